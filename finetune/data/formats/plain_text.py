"""Plain text: one column, every word of which is learnt."""

from finetune.data.formats.format import Format, Part, plain, text

NAMES = ("text", "content", "document", "passage", "body", "article", "paragraph")


class PlainText(Format):
    """A column of documents or paragraphs."""

    name = "text"
    title = "Plain text"
    kind = "text"
    order = 90
    parts = (Part("text", "The text to learn.", NAMES),)
    holds = "plain text"
    certainty = 0.6

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        return found or ({"text": columns[0]} if len(columns) == 1 else {})

    def sureness(self, columns):
        return self.certainty if plain(columns["text"]) in NAMES else 0.4

    def example(self, row, columns, system=None):
        return {"text": text(row, columns["text"])}

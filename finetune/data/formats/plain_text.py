"""Plain text: one column, every word of which is learnt."""

from finetune.data.formats.format import Format, Part, plain, text
from finetune.data.formats.prompts import NAMES as QUESTIONS


class PlainText(Format):
    """A column of documents or paragraphs."""

    name = "text"
    title = "Plain text"
    kind = "text"
    order = 90
    parts = (
        Part(
            "text",
            "The text to learn.",
            ("text", "content", "document", "passage", "body", "article", "paragraph"),
        ),
    )
    holds = "plain text"
    weight = 0.3

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        only = columns[0] if len(columns) == 1 and plain(columns[0]) not in QUESTIONS else None
        return found or ({"text": only} if only else {})

    def example(self, row, columns, system=None):
        return {"text": text(row, columns["text"])}

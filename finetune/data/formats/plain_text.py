"""Plain text: one column, trained on every token."""

from finetune.data.formats.format import GUESSED, Format, FormatField, Plain, Recognition, characters, plain, text
from finetune.data.formats.mapping import Template
from finetune.data.formats.prompts import NAMES as QUESTIONS


class PlainText(Format):
    """A column of documents or paragraphs."""

    name = "text"
    title = "Plain text"
    kind = "text"
    order = 90
    fields = (
        FormatField(
            "text",
            "The text to train on.",
            ("text", "content", "document", "passage", "body", "article", "paragraph"),
        ),
    )
    holds = "plain text"
    weight = 0.3

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        only = columns[0] if len(columns) == 1 and plain(columns[0]) not in QUESTIONS else None
        return found or ({"text": only} if only else {})

    def recognize(self, columns, rows, mapped=None, roles=None):
        seen = super().recognize(columns, rows, mapped, roles)
        others = _others(columns, rows, seen.columns["text"]) if seen and not mapped else []
        if not others:
            return seen
        listed = ", ".join(f'"{column}"' for column in others)
        reason = f"{seen.reason} But there is as much text in {listed}: please check it."
        return Recognition(GUESSED * seen.score, reason, seen.columns)

    def plain(self, columns, system=None):
        column = columns["text"]
        return None if isinstance(column, Template) else Plain((("", column),))

    def example(self, row, columns, system=None, roles=None):
        return {"text": text(row, columns["text"])}


def _others(columns: tuple[str, ...], rows: list[dict], column: str) -> list[str]:
    """The other columns that hold at least half as much text as ``column``."""
    return [
        other for other in columns if other != column and 2 * characters(rows, other) >= characters(rows, column) > 0
    ]

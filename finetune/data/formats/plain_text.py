"""Plain text: one column, trained on every token."""

from finetune.data.formats.format import Format, FormatField, Plain, plain, text
from finetune.data.formats.mapping import Template
from finetune.data.formats.prompts import NAMES as QUESTIONS

NAMES = ("text", "content", "document", "passage", "body", "article", "paragraph")
"""Usual names of a column of text."""


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
            NAMES,
        ),
    )
    holds = "plain text"
    weight = 0.3

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        only = columns[0] if len(columns) == 1 and plain(columns[0]) not in QUESTIONS else None
        return found or ({"text": only} if only else {})

    def plain(self, columns, system=None):
        column = columns["text"]
        return None if isinstance(column, Template) else Plain((("", column),))

    def example(self, row, columns, system=None, roles=None):
        return {"text": text(row, columns["text"])}

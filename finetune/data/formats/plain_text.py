"""Plain text: one column, trained on every token."""

import re

from finetune.data.formats.format import Format, FormatField, Plain, plain, text
from finetune.data.formats.mapping import Template
from finetune.data.formats.prompts import NAMES as QUESTIONS
from finetune.data.formats.written import TOKENS, bare

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
    unless = "|".join(re.escape(token) for token in TOKENS)

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        only = columns[0] if len(columns) == 1 and plain(columns[0]) not in QUESTIONS else None
        return found or ({"text": only} if only else {})

    def plain(self, columns, system=None):
        column = columns["text"]
        return None if isinstance(column, Template) else Plain((("", column),))

    def notes(self, columns, rows):
        marked = any(is_marked(row.get(columns["text"])) for row in rows)
        return ["Tokens at the beginning and end of texts are taken off: the tokenizer adds its own."] if marked else []

    def example(self, row, columns, system=None, roles=None):
        written = text(row, columns["text"])
        return {"text": bare(written) or written if is_marked(written) else written}


def is_marked(value: object) -> bool:
    """True if a text begins or ends with a tokenizer's token for that."""
    stripped = value.strip() if isinstance(value, str) else ""
    return stripped.startswith(TOKENS) or stripped.endswith(TOKENS)

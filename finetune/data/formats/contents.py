"""What columns hold, by some of their rows: text, lists and objects, labels, ids, dates, links or numbers.

It tells how much of a file a format explains, and which columns are left over that a person will miss.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from finetune.data.formats.format import LONG, plain
from finetune.data.formats.tools import parsed
from finetune.data.readers.decoder import strings_of

SAMPLE_ROWS = 200
"""Sampled rows by which columns are judged, evenly spaced: enough to show one odd row in a hundred."""
PROSE_WORDS = 3.5
"""Words from which values are texts on average; shorter ones are labels, names or titles."""
WORD_CHARACTERS = 6
"""Characters that count as a word in scripts without spaces."""
MEANINGFUL = ("text", "list", "object")
"""Kinds of content that a person will miss if no part of a format reads it."""
METADATA = {
    "meta", "metadata", "meta_data", "info", "extra", "extra_info", "annotations", "labels_info", "tags", "tag",
    "keywords", "source", "sources", "origin", "dataset", "model", "models", "models_used", "usage", "license",
    "language", "lang", "detoxify", "emojis", "embedding", "embeddings", "input_ids", "attention_mask", "token_ids",
    "provenance", "header", "headers", "moderation", "openai_moderation",
    "timestamps", "versions", "config", "generation_config", "id", "ids",
}  # fmt: skip
"""Names of columns that describe a row and are no part of it."""

LINK = re.compile(r"(?:https?|ftp|s3|gs|file)://\S+|www\.\S+|[\w.\-/\\]+\.(?:png|jpe?g|gif|wav|mp3|mp4|pdf|html?|txt)")
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d{2}\S*)?|\d{1,2}:\d{2}(?::\d{2})?")
ID = re.compile(r"\S*\d\S*")
NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?%?")
UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\uf900-\ufaff]")
"""Letters of scripts that put no spaces between words."""


@dataclass(frozen=True)
class Content:
    """What a column holds."""

    kind: str
    """``empty``, ``number``, ``flag``, ``date``, ``link``, ``id``, ``label``, ``text``, ``list`` or ``object``."""
    weight: int = 0
    """Characters of text in the rows, of which ``LONG`` count in each; numbers, dates, links and ids have none."""
    characters: int = 0
    """Characters of text in a row that has the column, on average."""

    @property
    def is_meaningful(self) -> bool:
        """True if a person will miss it where nothing reads it."""
        return self.kind in MEANINGFUL


def sample(rows: Sequence[dict]) -> list[dict]:
    """``SAMPLE_ROWS`` of ``rows``, evenly spaced."""
    step = max(1, len(rows) // SAMPLE_ROWS)
    return rows[::step][:SAMPLE_ROWS]


def content_of(rows: Sequence[dict], column: str) -> Content:
    """What ``column`` holds in ``rows``."""
    values = [value for row in rows if not is_nothing(value := parsed(row.get(column)))]
    if not values:
        return Content("empty")
    texts = ["\n".join(strings_of(value, keys=False)) for value in values]
    mean = sum(map(len, texts)) // len(texts)
    weight = sum(min(len(text), LONG) for text in texts)
    nested = "list" if any(isinstance(value, list) for value in values) else "object"
    if any(isinstance(value, (list, dict)) for value in values):
        is_aside = plain(column) in METADATA and mean < LONG
        return Content("label") if is_aside or not weight else Content(nested, weight, mean)
    kind = _kind_of_texts(values)
    has_weight = kind == "text" or kind == "label" and plain(column) not in METADATA
    return Content(kind, weight if has_weight else 0, mean if has_weight else 0)


def is_nothing(value: object) -> bool:
    """True for a missing value, an empty text, list or object, and pandas' NaN."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value != value or isinstance(value, (list, dict, tuple)) and not value


def _kind_of_texts(values: list) -> str:
    """The kind of values that are no lists and no objects."""
    if all(isinstance(value, bool) for value in values):
        return "flag"
    texts = [value.strip() for value in values if isinstance(value, str)]
    if not texts or all(NUMBER.fullmatch(text) for text in texts):
        return "number"
    for kind, pattern in (("date", DATE), ("link", LINK)):
        if all(pattern.fullmatch(text) for text in texts):
            return kind
    if sum(map(_words, texts)) >= PROSE_WORDS * len(texts):
        return "text"
    return "id" if all(ID.fullmatch(text) for text in texts) else "label"


def _words(text: str) -> float:
    """Words of a text; of one in a script without spaces, its length in words of the usual length."""
    start = text[:LONG]
    unspaced = len(UNSPACED.findall(start))
    return len(start.split()) + unspaced / WORD_CHARACTERS * 2

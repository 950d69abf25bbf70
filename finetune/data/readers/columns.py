"""JSON lines as columns, all rows of a block at once: the fast way through a large file whose rows share a schema.

A block is read so only if the result provably equals reading line by line; other blocks are left to that. The work is
done outside the GIL, so that several threads (``finetune.data.ahead``) share it.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from finetune.data import texts
from finetune.data.table import MAX_ROW_CHARACTERS

MAX_LEVELS = 8
"""Nesting depth of lists and objects; deeper rows are read line by line."""
TRIES = 16
"""Columns are given up once this many more blocks failed than succeeded."""
LINE_FEED, OPEN, CLOSE = b"\n{}"


def schema_of(rows: Iterable[dict]):
    """The schema of ``rows`` (a ``pyarrow.Schema``); None if they have none in common, or if columns would be inexact.

    Inexact are fractions, because their spelling counts, and integers of more than 64 bits.
    """
    import pyarrow

    try:
        schema = pyarrow.schema(pyarrow.infer_type(rows))
    except (pyarrow.ArrowException, OverflowError):
        return None
    return schema if len(schema) and all(_is_exact(field.type, MAX_LEVELS) for field in schema) else None


class ColumnSchema:
    """The schema of the rows of a file, inferred from those that were read line by line."""

    def __init__(self, prefilter: str = ""):
        self._prefilter, self._columns, self._worth = prefilter, None, TRIES

    def read(self, block: bytes):
        """``read_strictly`` with the schema known so far; None if there is none, or if it hardly ever succeeds."""
        columns = self._columns  # another thread may replace them meanwhile
        if columns is None or self._worth <= 0:
            return None
        found = read_strictly(block, columns, self._prefilter)
        self._worth = min(TRIES, self._worth + 1) if found else self._worth - 1
        return found

    def update(self, rows: list[dict]) -> None:
        """Extend the schema by ``rows``, which had to be read line by line."""
        import pyarrow

        found = schema_of(rows)
        try:
            self._columns = pyarrow.unify_schemas([self._columns, found]) if self._columns and found else found
        except pyarrow.ArrowException:
            self._columns = found


def _is_exact(kind, levels: int) -> bool:
    """True if every parser gives the same value for this Arrow type."""
    from pyarrow import types

    if types.is_list(kind) or types.is_struct(kind):
        inner = [kind.value_type] if types.is_list(kind) else [field.type for field in kind]
        return levels > 0 and all(_is_exact(each, levels - 1) for each in inner)
    return any(is_kind(kind) for is_kind in (types.is_string, types.is_int64, types.is_boolean, types.is_null))


def line_ends(block: bytes):
    """The positions of the line feeds in ``block`` (int64); None unless each line surely holds at least one object.

    In JSON, an object directly followed by another is at the top level, and no string spans lines: so a line feed
    between ``}`` and ``{`` is outside of all values.
    """
    import numpy as np

    characters = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(characters == LINE_FEED)
    if not len(ends):
        return None
    are_separate = (characters[ends - 1] == CLOSE).all() and (characters[ends[:-1] + 1] == OPEN).all()
    return ends if are_separate and characters[0] == OPEN and characters[-1] == LINE_FEED else None


def read_strictly(block: bytes, schema, prefilter: str = "") -> "Block | None":
    """A block of lines as columns of this ``schema``; None unless that surely equals strict reading.

    ``prefilter`` is the expression to match in the texts (see ``texts.scan``).

    Arrow refuses invalid JSON, duplicate keys, lone surrogates, and any value that is not of its column's type, which
    rules out fractions, NaN, large numbers and deep nesting. It accepts invalid UTF-8, NULs and several objects in a
    line, so those are checked here.
    """
    import numpy as np

    ends = line_ends(block)
    if ends is None or b"\r" in block or not _is_text(block):
        return None
    lengths = np.diff(ends, prepend=-1)
    values = read_columns(block, schema) if lengths.max() <= MAX_ROW_CHARACTERS else None
    if values is None or values.num_rows != len(ends) or any(_has_nul(column.chunk(0)) for column in values.columns):
        return None
    return Block(array("I", lengths.astype(np.uint32).tobytes()), texts.scan(values, prefilter))


@dataclass(frozen=True)
class Block:
    """Rows in consecutive lines, one row per line."""

    lengths: array
    """Bytes of each line."""
    texts: dict[str, texts.ColumnTexts]
    """What is known of the text columns, by name."""


def read_columns(block: bytes, schema):
    """JSON lines as an Arrow table of one chunk; None if a row has a column or value outside ``schema``."""
    import pyarrow
    from pyarrow import json

    reading = json.ReadOptions(use_threads=False, block_size=len(block) + 1)
    parsing = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    try:
        return json.read_json(pyarrow.BufferReader(block), reading, parsing).combine_chunks()
    except pyarrow.ArrowInvalid:
        return None


def _has_nul(column) -> bool:
    """True if a text in ``column``, an Arrow array, contains the character NUL."""
    from pyarrow import types

    if types.is_struct(column.type):
        return any(_has_nul(column.field(place)) for place in range(column.type.num_fields))
    if types.is_list(column.type):
        return _has_nul(column.values)
    characters = column.buffers()[2] if types.is_string(column.type) else None
    return characters is not None and b"\0" in characters.to_pybytes()


def _is_text(block: bytes) -> bool:
    """True if ``block`` is valid UTF-8."""
    import numpy as np
    import pyarrow

    if block.isascii():
        return True
    span = pyarrow.py_buffer(np.array([0, len(block)], np.int32))
    try:
        pyarrow.StringArray.from_buffers(1, span, pyarrow.py_buffer(block)).validate(full=True)
    except pyarrow.ArrowInvalid:
        return False
    return True

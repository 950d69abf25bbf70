"""Lines of JSON as columns, all rows of a block at once: the quick way through a large file whose rows are alike.

It takes a block only where that gives what reading line by line gives, and leaves the others to it. The work is done
outside the interpreter's lock, so that several threads (``finetune.data.ahead``) share it.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from finetune.data import texts
from finetune.data.table import MAX_ROW_CHARACTERS

MAX_LEVELS = 8
"""Lists and objects inside one another; rows with more are read line by line."""
TRIES = 16
"""After so many more blocks that were no columns than were, no more are tried."""
LINE_FEED, OPEN, CLOSE = b"\n{}"


def shape_of(rows: Iterable[dict]):
    """The columns of ``rows`` (a ``pyarrow.Schema``); None if they are not alike, or hold what columns cannot tell.

    That is fractions, because how they are spelled counts, and whole numbers of more than 64 bits.
    """
    import pyarrow

    try:
        shape = pyarrow.schema(pyarrow.infer_type(rows))
    except (pyarrow.ArrowException, OverflowError):
        return None
    return shape if len(shape) and all(_is_told(field.type, MAX_LEVELS) for field in shape) else None


class Shape:
    """The columns that the rows of a file have, learnt from those that were read line by line."""

    def __init__(self, prefilter: str = ""):
        self._signs, self._columns, self._worth = prefilter, None, TRIES

    def read(self, block: bytes):
        """``read_strictly`` with the columns known so far; None while there are none, or if it hardly ever succeeds."""
        columns = self._columns  # another thread may learn meanwhile that there are none
        if columns is None or self._worth <= 0:
            return None
        found = read_strictly(block, columns, self._signs)
        self._worth = min(TRIES, self._worth + 1) if found else self._worth - 1
        return found

    def learn(self, rows: list[dict]) -> None:
        """Take in the columns of rows that had to be read line by line."""
        import pyarrow

        found = shape_of(rows)
        try:
            self._columns = pyarrow.unify_schemas([self._columns, found]) if self._columns and found else found
        except pyarrow.ArrowException:
            self._columns = found


def _is_told(kind, levels: int) -> bool:
    """True if a value of this type of Arrow's is the same however it is parsed."""
    from pyarrow import types

    if types.is_list(kind) or types.is_struct(kind):
        inner = [kind.value_type] if types.is_list(kind) else [field.type for field in kind]
        return levels > 0 and all(_is_told(each, levels - 1) for each in inner)
    return any(is_kind(kind) for is_kind in (types.is_string, types.is_int64, types.is_boolean, types.is_null))


def line_ends(block: bytes):
    """Where the lines of ``block`` end, as an array of int64; None unless each surely holds one object or more.

    In JSON an object that is followed by another without a comma is no part of anything, and no string goes over
    several lines: so between ``}`` and ``{`` a line feed stands outside of all values.
    """
    import numpy as np

    letters = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(letters == LINE_FEED)
    if not len(ends):
        return None
    is_parted = (letters[ends - 1] == CLOSE).all() and (letters[ends[:-1] + 1] == OPEN).all()
    return ends if is_parted and letters[0] == OPEN and letters[-1] == LINE_FEED else None


def read_strictly(block: bytes, shape, prefilter: str = "") -> "Block | None":
    """A block of lines as columns of this ``shape``; None if they are not surely what strict reading gives.

    ``prefilter`` is what to look for in the texts (see ``texts.look``).

    Arrow refuses what is no JSON, a key that comes twice, half characters, and any value that is not of its column's
    type, which rules out fractions, NaN, large numbers and deep nesting; bytes that are no UTF-8, NULs and several
    objects in a line it lets pass, so those are looked for here.
    """
    import numpy as np

    ends = line_ends(block)
    if ends is None or b"\r" in block or not _is_text(block):
        return None
    lengths = np.diff(ends, prepend=-1)
    values = read_columns(block, shape) if lengths.max() <= MAX_ROW_CHARACTERS else None
    if values is None or values.num_rows != len(ends) or any(_has_nul(column.chunk(0)) for column in values.columns):
        return None
    return Block(array("I", lengths.astype(np.uint32).tobytes()), texts.look(values, prefilter))


@dataclass(frozen=True)
class Block:
    """Rows that stand in lines of their own, one behind the other."""

    lengths: array
    """How long each line is in bytes."""
    texts: dict[str, texts.Texts]
    """What is known of the columns of text, by name."""


def read_columns(block: bytes, shape):
    """Lines of JSON as an Arrow table in one piece; None if a row has a column that ``shape`` lacks or other values."""
    import pyarrow
    from pyarrow import json

    reading = json.ReadOptions(use_threads=False, block_size=len(block) + 1)
    parsing = json.ParseOptions(explicit_schema=shape, unexpected_field_behavior="error")
    try:
        return json.read_json(pyarrow.BufferReader(block), reading, parsing).combine_chunks()
    except pyarrow.ArrowInvalid:
        return None


def _has_nul(column) -> bool:
    """True if a text in ``column``, an array of Arrow's, holds the character NUL."""
    from pyarrow import types

    if types.is_struct(column.type):
        return any(_has_nul(column.field(place)) for place in range(column.type.num_fields))
    if types.is_list(column.type):
        return _has_nul(column.values)
    letters = column.buffers()[2] if types.is_string(column.type) else None
    return letters is not None and b"\0" in letters.to_pybytes()


def _is_text(block: bytes) -> bool:
    """True if ``block`` is UTF-8."""
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

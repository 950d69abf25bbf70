"""What is known of the texts of a column: flags and hashes of all texts of a block at once, without Python strings.

All but the hashes is done by NumPy, Arrow and RE2 outside the GIL. For most texts, their length and the characters at
their ends suffice; only the others are stripped.
"""

from array import array
from functools import cache

PROSE, CALM, LONG = 1, 2, 4
"""Flags of a text. Prose: more than white space, and not beginning like JSON (``LIKE_JSON``). Calm: scanned, and not
matching the pre-filter. Long: more than ``LONG_CHARACTERS`` after stripping white space."""
LIKE_JSON = r"^\W*[\[{]"
"""How a text begins that may be a list or an object, or one in quotation marks (for RE2, where é is no letter)."""
LONG_CHARACTERS = 40
"""A longer answer is neither a label nor a placeholder."""
MOST = 4
"""How many columns are scanned and hashed, the largest ones; a hash takes eight bytes of memory."""
IS_WORD = bytes(letter < 128 and chr(letter).isalnum() for letter in range(256))
WIDEST = 4
"""Maximum bytes of a character in UTF-8."""


def is_prose(value: object) -> bool:
    """True if a value is surely ``PROSE``: it begins with a letter or a digit."""
    return isinstance(value, str) and value[:1].isalnum()


class ColumnTexts:
    """What is known of each text of a column; an unknown text has no flag."""

    def __init__(self, flags: bytes = b"", hashes: array | None = None, stripped: array | None = None):
        self.flags = bytearray(flags)
        self.hashes = array("q") if hashes is None else hashes
        """``near.text_hash`` each text; as many as there are flags, or none."""
        self.stripped_hashes = array("q") if stripped is None else stripped
        """``near.text_hash`` each text after stripping white space."""

    def put(self, position: int, more: "ColumnTexts") -> None:
        """Append ``more`` at ``position``; the texts in between are unknown."""
        self.flags.extend(bytes(position - len(self.flags)))
        self.flags.extend(more.flags)
        for known, added in ((self.hashes, more.hashes), (self.stripped_hashes, more.stripped_hashes)):
            if added:
                known.frombytes(bytes(known.itemsize * (position - len(known))))
                known.extend(added)

    def padded(self, count: int) -> "ColumnTexts":
        """This with unknown texts appended up to ``count``; a copy, since other threads may be reading this."""
        if len(self.flags) == count:
            return self
        return ColumnTexts(self.flags + bytes(count - len(self.flags)), self.hashes, self.stripped_hashes)

    def have(self, flags: int):
        """For each text, whether it has all these ``flags``, as a NumPy array."""
        import numpy as np

        return np.frombuffer(self.flags, np.uint8) & flags == flags


def scan(values, prefilter: str = "") -> dict[str, ColumnTexts]:
    """What is known of the text columns in ``values``, an Arrow table of one chunk, by name.

    Texts that do not match ``prefilter`` (an RE2 expression) are ``CALM``. Without it, only ``PROSE`` is set.
    """
    columns = {name: values[name].chunk(0) for name in values.column_names if values[name].type == "string"}
    by_size = sorted(columns, key=lambda name: -columns[name].nbytes)
    return {name: _scan(columns[name], prefilter if name in by_size[:MOST] else "") for name in columns}


def _scan(column, prefilter: str) -> ColumnTexts:
    import numpy as np
    import pyarrow.compute as pc

    ends = _Ends(column)
    is_prose = ends.are_filled & _is_word(ends.first)
    others = np.flatnonzero(ends.are_filled & ~is_prose)
    is_prose[others] = _are_prose(column.take(others))
    flags = is_prose * np.uint8(PROSE)
    if not prefilter:
        return ColumnTexts(flags.tobytes())
    loose = np.flatnonzero(ends.are_filled & ~ends.are_stripped)
    stripped = pc.utf8_trim(column.take(loose), white_space())
    is_long = ends.are_stripped & (ends.widths > WIDEST * LONG_CHARACTERS)
    unsure = np.flatnonzero(ends.are_stripped & ~is_long & (ends.widths > LONG_CHARACTERS))
    is_long[unsure], is_long[loose] = _are_long(column.take(unsure)), _are_long(stripped)
    is_calm = ~_true(pc.fill_null(pc.match_substring_regex(column, prefilter), True))
    flags |= is_long * np.uint8(LONG) | is_calm * np.uint8(CALM)
    hashes = text_hashes(column)
    of_stripped = hashes.copy()
    of_stripped[loose] = text_hashes(stripped)
    return ColumnTexts(flags.tobytes(), array("q", hashes.tobytes()), array("q", of_stripped.tobytes()))


class _Ends:
    """The ends of texts: most begin and end with visible ASCII, so that there is nothing to strip."""

    def __init__(self, column):
        import numpy as np

        bounds, data = _buffers(column)
        self.widths = np.diff(bounds)
        """Bytes of each text."""
        self.are_filled = (self.widths > 0) & _true(column.is_valid())
        self.first, last = (data[np.where(self.are_filled, place, 0)] for place in (bounds[:-1], bounds[1:] - 1))
        """The first byte of each text."""
        self.are_stripped = self.are_filled & _is_solid(self.first) & _is_solid(last)


def _is_solid(data):
    """For each byte, whether it is visible ASCII."""
    return (data > ord(" ")) & (data < 127)


def _is_word(data):
    """For each byte, whether it is an ASCII letter or digit."""
    import numpy as np

    return np.frombuffer(IS_WORD, np.bool_)[data]


def _are_prose(column):
    import pyarrow.compute as pc

    is_more = pc.greater(pc.binary_length(pc.utf8_trim(column, white_space())), 0)
    return _true(pc.and_not(is_more, pc.match_substring_regex(column, LIKE_JSON)))


def _are_long(stripped):
    import pyarrow.compute as pc

    return _true(pc.greater(pc.utf8_length(stripped), LONG_CHARACTERS))


def _true(column):
    """A boolean column without nulls as a NumPy array."""
    return column.to_numpy(zero_copy_only=False)


def text_hashes(column):
    """``near.text_hash`` each text of a column, as a NumPy array of int64; a null counts as an empty text."""
    import numpy as np
    import pyarrow
    import pyarrow.compute as pc
    from xxhash import xxh3_64_intdigest

    texts = pc.fill_null(column.cast(pyarrow.binary()), b"").to_numpy(zero_copy_only=False).tolist()
    return (np.array(array("Q", map(xxh3_64_intdigest, texts))) ^ np.uint64(2**63)).view(np.int64)


def _buffers(column):
    """The offsets of a column's texts in its data buffer, and that buffer (uint8, at least one byte)."""
    import numpy as np

    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(column) + 1, 4 * column.offset)
    return bounds, np.frombuffer(data, np.uint8) if data and data.size else np.zeros(1, np.uint8)


@cache
def white_space() -> str:
    """All characters that ``str.strip`` removes."""
    return "".join(letter for letter in map(chr, range(0x3001)) if letter.isspace())

"""What is known of the texts of a column without making one of them: all texts of a block at once.

The work is NumPy's, Arrow's and RE2's, outside the interpreter's lock, all but the hashes; most texts can be told by
their length and by the letters at their ends, and only the others are trimmed.
"""

from array import array
from functools import cache

PROSE, CALM, LONG = 1, 2, 4
"""Flags of a text: more than white space, and not beginning like JSON (``LIKE_JSON``); looked at, and without any of
the signs; more than ``LONG_CHARACTERS`` without the white space around it."""
LIKE_JSON = r"^\W*[\[{]"
"""How a text begins that may be a list or an object, or one in quotation marks (in RE2, to which é is no letter)."""
LONG_CHARACTERS = 40
"""Above so many characters an answer is neither a label nor a placeholder."""
MOST = 4
"""Columns whose texts are numbered, those with the most letters; a number takes eight bytes of memory."""
IS_WORD = bytes(letter < 128 and chr(letter).isalnum() for letter in range(256))
WIDEST = 4
"""Bytes of a character in UTF-8, at most."""


class Texts:
    """What is known of each text of a column; a text of which nothing is known has no flag."""

    def __init__(self, flags: bytes = b"", numbers: array | None = None, trimmed: array | None = None):
        self.flags = bytearray(flags)
        self.numbers = array("q") if numbers is None else numbers
        """``near.number_of`` each text; as many as there are flags, or none."""
        self.trimmed = array("q") if trimmed is None else trimmed
        """The same of what is left of a text without the white space around it."""

    def put(self, position: int, more: "Texts") -> None:
        """Add ``more`` from ``position`` on; of those in between nothing is known."""
        self.flags.extend(bytes(position - len(self.flags)))
        self.flags.extend(more.flags)
        for known, added in ((self.numbers, more.numbers), (self.trimmed, more.trimmed)):
            if added:
                known.frombytes(bytes(known.itemsize * (position - len(known))))
                known.extend(added)

    def padded(self, count: int) -> "Texts":
        """This, with nothing known of further texts up to ``count``; it stays as it is, as others may be reading it."""
        if len(self.flags) == count:
            return self
        return Texts(self.flags + bytes(count - len(self.flags)), self.numbers, self.trimmed)

    def have(self, flags: int):
        """For each text True if it has all these ``flags``, as a NumPy array."""
        import numpy as np

        return np.frombuffer(self.flags, np.uint8) & flags == flags


def look(values, prefilter: str = "") -> dict[str, Texts]:
    """What is known of the columns of text in ``values``, an Arrow table in one piece, by name.

    ``prefilter`` is an expression (RE2): texts without it are ``CALM``. Without ``prefilter`` only prose is told.
    """
    columns = {name: values[name].chunk(0) for name in values.column_names if values[name].type == "string"}
    by_letters = sorted(columns, key=lambda name: -columns[name].nbytes)
    return {name: _look(columns[name], prefilter if name in by_letters[:MOST] else "") for name in columns}


def _look(column, prefilter: str) -> Texts:
    import numpy as np
    import pyarrow.compute as pc

    ends = _Ends(column)
    is_prose = ends.are_there & _is_word(ends.first)
    others = np.flatnonzero(ends.are_there & ~is_prose)
    is_prose[others] = _are_prose(column.take(others))
    flags = is_prose * np.uint8(PROSE)
    if not prefilter:
        return Texts(flags.tobytes())
    loose = np.flatnonzero(ends.are_there & ~ends.are_tight)
    trimmed = pc.utf8_trim(column.take(loose), white_space())
    is_long = ends.are_tight & (ends.widths > WIDEST * LONG_CHARACTERS)
    unsure = np.flatnonzero(ends.are_tight & ~is_long & (ends.widths > LONG_CHARACTERS))
    is_long[unsure], is_long[loose] = _are_long(column.take(unsure)), _are_long(trimmed)
    is_calm = ~_true(pc.fill_null(pc.match_substring_regex(column, prefilter), True))
    flags |= is_long * np.uint8(LONG) | is_calm * np.uint8(CALM)
    numbers = numbers_of(column)
    of_trimmed = numbers.copy()
    of_trimmed[loose] = numbers_of(trimmed)
    return Texts(flags.tobytes(), array("q", numbers.tobytes()), array("q", of_trimmed.tobytes()))


class _Ends:
    """The ends of texts: most begin and end with a letter of ASCII, so that there is nothing to trim."""

    def __init__(self, column):
        import numpy as np

        bounds, letters = _buffers(column)
        self.widths = np.diff(bounds)
        """Bytes."""
        self.are_there = (self.widths > 0) & _true(column.is_valid())
        self.first, last = (letters[np.where(self.are_there, place, 0)] for place in (bounds[:-1], bounds[1:] - 1))
        """Bytes."""
        self.are_tight = self.are_there & _is_solid(self.first) & _is_solid(last)


def _is_solid(letters):
    """Of bytes: True for letters of ASCII that are no white space."""
    return (letters > ord(" ")) & (letters < 127)


def _is_word(letters):
    """Of bytes: True for letters and digits of ASCII."""
    import numpy as np

    return np.frombuffer(IS_WORD, np.bool_)[letters]


def _are_prose(column):
    import pyarrow.compute as pc

    is_more = pc.greater(pc.binary_length(pc.utf8_trim(column, white_space())), 0)
    return _true(pc.and_not(is_more, pc.match_substring_regex(column, LIKE_JSON)))


def _are_long(trimmed):
    import pyarrow.compute as pc

    return _true(pc.greater(pc.utf8_length(trimmed), LONG_CHARACTERS))


def _true(column):
    """A column of truth values, none of them missing, as a NumPy array."""
    return column.to_numpy(zero_copy_only=False)


def numbers_of(column):
    """``near.number_of`` each text of a column, as a NumPy array of int64; of a null that of an empty text."""
    import numpy as np
    import pyarrow
    import pyarrow.compute as pc
    from xxhash import xxh3_64_intdigest

    texts = pc.fill_null(column.cast(pyarrow.binary()), b"").to_numpy(zero_copy_only=False).tolist()
    return (np.array(array("Q", map(xxh3_64_intdigest, texts))) ^ np.uint64(2**63)).view(np.int64)


def _buffers(column):
    """Where the texts of a column begin and end in its letters, and those letters (uint8), at least one."""
    import numpy as np

    _, offsets, letters = column.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(column) + 1, 4 * column.offset)
    return bounds, np.frombuffer(letters, np.uint8) if letters and letters.size else np.zeros(1, np.uint8)


@cache
def white_space() -> str:
    """All that ``str.strip`` takes away."""
    return "".join(letter for letter in map(chr, range(0x3001)) if letter.isspace())

"""What is known of the texts of a column without making one of them: all texts of a block at once.

The work is NumPy's, Arrow's and RE2's, outside the interpreter's lock, all but the hashes; most texts can be told by
their length and by the letters at their ends, and only the others are trimmed.
"""

from array import array
from functools import cache

PROSE, CALM, LONG = 1, 2, 4
"""Flags of a text: more than white space, and not beginning like JSON; looked at, and without any of the signs; more
than ``LONG_CHARACTERS`` without the white space around it."""
LONG_CHARACTERS = 40
"""Above so many characters an answer is neither a label nor a placeholder."""
MOST = 4
"""Columns whose texts are numbered, those with the most letters; a number takes eight bytes of memory."""
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
        """This, with nothing known of further texts up to ``count``."""
        self.put(count, Texts())
        return self

    def have(self, flags: int):
        """For each text True if it has all these ``flags``, as a NumPy array."""
        import numpy as np

        return np.frombuffer(self.flags, np.uint8) & flags == flags


def look(values, signs: str = "") -> dict[str, Texts]:
    """What is known of the columns of text in ``values``, an Arrow table in one piece, by name.

    ``signs`` is an expression (RE2): texts without it are ``CALM``. Without ``signs`` only prose is told.
    """
    columns = {name: values[name].chunk(0) for name in values.column_names if values[name].type == "string"}
    by_letters = sorted(columns, key=lambda name: -columns[name].nbytes)
    return {name: _look(columns[name], signs if name in by_letters[:MOST] else "") for name in columns}


def _look(column, signs: str) -> Texts:
    import numpy as np
    import pyarrow.compute as pc

    at_ends = _AtEnds(column)
    is_prose, is_long = at_ends.is_prose, at_ends.is_long
    unsure = np.flatnonzero(at_ends.is_unsure)
    trimmed = pc.utf8_trim(column.take(unsure), white_space())
    is_prose[unsure] = _true(prose(trimmed))
    is_long[unsure] = _true(pc.greater(pc.utf8_length(trimmed), LONG_CHARACTERS))
    flags = is_prose * np.uint8(PROSE) | is_long * np.uint8(LONG)
    if not signs:
        return Texts(flags.tobytes())
    flags |= ~_true(pc.match_substring_regex(column, signs)) * np.uint8(CALM)
    numbers = hashes(column)
    of_trimmed = np.array(numbers)
    of_trimmed[unsure] = hashes(trimmed)
    return Texts(flags.tobytes(), numbers, array("q", of_trimmed.tobytes()))


class _AtEnds:
    """What the ends of texts tell: most begin and end with a letter of ASCII, so that there is nothing to trim."""

    def __init__(self, column):
        import numpy as np

        bounds, letters = _buffers(column)
        widths = np.diff(bounds)
        is_there = (widths > 0) & column.is_valid().to_numpy(zero_copy_only=False)
        first, last = (letters[np.where(is_there, place, 0)] for place in (bounds[:-1], bounds[1:] - 1))
        is_tight = is_there & _is_solid(first) & _is_solid(last)
        self.is_prose = is_tight & (first != ord("[")) & (first != ord("{"))
        self.is_long = is_tight & (widths > WIDEST * LONG_CHARACTERS)
        self.is_unsure = is_there & ~(is_tight & (self.is_long | (widths <= LONG_CHARACTERS)))


def _is_solid(letters):
    """Of bytes: True for letters of ASCII that are no white space."""
    return (letters > ord(" ")) & (letters < 127)


def _true(column):
    """A column of truth values as a NumPy array that can be written to; null is True."""
    import pyarrow.compute as pc

    return pc.fill_null(column, True).to_numpy(zero_copy_only=False).copy()


def prose(column):
    """Of a column of texts: True where there is more than white space and it does not begin like JSON; never null."""
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim(column, white_space())
    like_json = pc.or_(pc.starts_with(trimmed, "["), pc.starts_with(trimmed, "{"))
    return pc.fill_null(pc.and_not(pc.greater(pc.binary_length(trimmed), 0), like_json), False)


def hashes(column) -> array:
    """``near.number_of`` each text of a column; of a null any number."""
    bounds, letters = _buffers(column)
    content, bounds = letters.tobytes(), bounds.tolist()
    return array("q", map(hash, map(content.__getitem__, map(slice, bounds, bounds[1:]))))


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

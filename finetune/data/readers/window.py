"""A window that slides over a long JSON text, value by value; what is not quite JSON is read loosely and counted."""

from collections import Counter

from finetune.data.readers.decoder import Decoder, Fault, skip_space
from finetune.data.readers.line import notes_of
from finetune.data.readers.loose import Loose
from finetune.errors import DataError

WINDOW_CHARACTERS = 2**21
"""How much of a list of rows is in memory at once; the longest row fits."""
MAX_ELEMENT_CHARACTERS = 2**24
"""A row that does not end within this is a fault of the file, not a row to reject for its length."""
BEGINS_COMMENT = ("/", "#", "\ufeff")
MARGIN_CHARACTERS = 16
"""A fault farther than this from the end of the window is not caused by that end."""


class Window:
    """The part of a text around the current position; a list of rows needs only this in memory."""

    def __init__(self, file):
        self._file, self.text, self.position = file, "", 0
        self._line, self._before, self._counted = 1, 0, 0
        self._decoder, self.ways = Decoder(), Counter()
        self.ended = False
        self._take_in(WINDOW_CHARACTERS)

    def next(self) -> str:
        """The next character that is neither white space nor in a comment; empty at the end."""
        while True:
            self.position = position = skip_space(self.text, self.position)
            mark = self.text[position : position + 1]
            if not mark and not self.ended:
                self._take_in(WINDOW_CHARACTERS)
            elif mark not in BEGINS_COMMENT or not self._skips_comment():
                return mark

    def _skips_comment(self) -> bool:
        """True if a comment or byte-order mark begins at the position, which moves to its end."""
        if not self.ended:
            self._take_in(WINDOW_CHARACTERS)
        loose = Loose()
        before, self.position = self.position, loose.skip(self.text, self.position)
        self.ways.update(loose.ways)
        return self.position > before

    def element(self, longest: int = 0) -> tuple[object, int, str | None]:
        """The value at the position, its length, and its fault if it has one; moves the position to its end.

        It is read loosely where JSON does not allow it. ``Fault`` if its end cannot be determined, or lies beyond
        ``longest`` characters (``MAX_ELEMENT_CHARACTERS``).
        """
        wanted, longest = WINDOW_CHARACTERS, longest or MAX_ELEMENT_CHARACTERS
        while True:
            if len(self.text) - self.position < wanted and not self.ended:
                self._take_in(min(2 * wanted, max(longest, wanted)))
            is_last = self.ended or wanted >= longest
            try:
                value, end, fault = self._decoder.element(self.text, self.position)
            except Fault as broken:
                is_certain = _is_certain(broken, len(self.text))
                found = self._loosely() if is_last or is_certain else None
                if found and (found[1] < len(self.text) or is_last):
                    length, self.position = found[1] - self.position, found[1]
                    return found[0], length, None
                if is_last:
                    raise
            else:
                if end < len(self.text) or is_last:
                    length, self.position = end - self.position, end
                    return value, length, fault
            wanted *= 4

    def _loosely(self) -> tuple[object, int] | None:
        """The value at the position and where it ends, read loosely; None if that fails too."""
        loose = Loose()
        try:
            found = loose.element(self.text, self.position)
        except Fault:
            return None
        self.ways.update(loose.ways)
        return found

    @property
    def notes(self) -> list[str]:
        """What was read otherwise than as strict JSON, as sentences."""
        return notes_of(self.ways, self._decoder.has_nan, "place")

    def line(self) -> int:
        """The line of the position."""
        self._line += self.text.count("\n", self._counted, self.position)
        self._counted = self.position
        return self._line

    def is_truncated(self, fault: Fault) -> bool:
        """True if the text ends within a value, and that is its ``fault``."""
        if fault.position is None or not self.ended:
            return False
        rest = self.text[fault.position :]
        ends_soon = len(rest) <= MARGIN_CHARACTERS and not any(mark in rest for mark in "}]\n")
        return ends_soon or "nterminated" in str(fault)

    def broken(self, what: str, fault: Fault) -> DataError:
        """The error for a fault, with its line and character."""
        position = fault.position
        reason = str(fault).split(" at character ")[0].rstrip(".")
        where = ""
        if position is not None:
            self.position = min(position, self._counted)
            line = self.line() + self.text.count("\n", self.position, position)
            begins = self.text.rfind("\n", 0, position)
            where = f" in line {line:,}, character {position - begins + (self._before if begins < 0 else 0):,}"
        is_truncated = position is not None and self.ended and position >= len(self.text.rstrip())
        return DataError(f"{what}{where}: {reason}.", "The file seems to be truncated." if is_truncated else "")

    def _take_in(self, wanted: int) -> None:
        """Read up to ``wanted`` characters from the position on; what precedes it is dropped."""
        self.line()
        begins = self.text.rfind("\n", 0, self.position)
        self._before = self.position - begins - 1 if begins >= 0 else self._before + self.position
        rest = self.text[self.position :]
        more = self._file.read(max(0, wanted - len(rest)) + 1)
        self.ended = len(more) <= max(0, wanted - len(rest))
        self.text, self.position, self._counted = rest + more, 0, 0


def _is_certain(fault: Fault, length: int) -> bool:
    """False if the fault may be caused by the end of the window."""
    return fault.position < length - MARGIN_CHARACTERS and "nterminated" not in str(fault)

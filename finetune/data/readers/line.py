"""One line of JSON lines: an object read strictly, or loosely where that fails; what was read so is counted."""

from collections import Counter

from finetune.data.readers.decoder import Decoder, Fault, skip_space
from finetune.data.readers.loose import COMMAS, COMMENTS, Loose
from finetune.data.readers.shapes import LISTS, TURNS, holds_rows, row_in

BYTE_ORDER_MARK = "\ufeff"


class LineParser:
    """Reads lines one by one, and remembers in which ways they differ from JSON."""

    def __init__(self):
        self._decoder, self._ways = Decoder(), Counter()

    def row(self, line: str) -> dict | None:
        """The row in a line, None if it is blank or a comment; ``Fault`` if it holds no row."""
        text = line.strip().strip(BYTE_ORDER_MARK)
        if not text or text.isspace():
            return None
        try:
            value = self._decoder.value(text)
        except Fault as fault:
            loose = Loose()
            if loose.skip(text, 0) == len(text):
                self._ways[COMMENTS] += 1
                return None
            value = _loosely(text, loose, fault)
            self._ways.update(loose.ways)
        row, way = row_in(value)
        if way:
            self._ways[way] += 1
        return row

    @property
    def notes(self) -> list[str]:
        """What was read otherwise than as strict JSON, as sentences."""
        return notes_of(self._ways, self._decoder.has_nan, "line")


def _loosely(text: str, loose: Loose, fault: Fault) -> object:
    """The value in ``text`` read by ``loose``, perhaps before a comma; its own ``fault`` if that fails too."""
    try:
        value, end = loose.element(text, 0)
        if text[(end := loose.skip(text, end)) : end + 1] == ",":
            loose.ways.add(COMMAS)
            end = loose.skip(text, end + 1)
    except Fault:
        raise fault from None
    if end < len(text) or not isinstance(value, (dict, list)):
        raise fault
    return value


def reread(line: bytes) -> dict:
    """The row in a line of UTF-8 that gave one before."""
    return LineParser().row(line.decode())


def is_row(text: str) -> bool:
    """True if ``text`` holds one row, read strictly or loosely; several rows in a list are not one."""
    try:
        row = LineParser().row(text)
    except Fault:
        return False
    return row is not None and not (text.startswith("[") and holds_rows(row.get(TURNS)))


def continues(text: str) -> bool:
    """True if another object follows the first on the same line, or if that is a list of rows."""
    try:
        value, end, _ = Decoder().element(text, 0)
    except Fault:
        return False
    return holds_rows(value) or isinstance(value, dict) and text[skip_space(text, end) :].startswith("{")


def notes_of(ways: Counter, has_nan: bool, unit: str) -> list[str]:
    """What was read otherwise than as strict JSON, as sentences; counted in ``unit``s (lines, places)."""
    notes = []
    for way, count in ways.items():
        if way in LISTS:
            notes.append(f"1 row is {way}." if count == 1 else f"{count:,} rows are each {way}.")
            continue
        counted = f"1 {unit} is" if count == 1 else f"{count:,} {unit}s are"
        if count:
            notes.append(f"{counted} not strict JSON, but read as meant: {way}.")
    if has_nan:
        notes.append("NaN (not a number) is read as an empty value (null).")
    return notes

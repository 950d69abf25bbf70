"""A JSON document: a list of rows, read through a sliding window; or one value that holds them.

A row with a fault is rejected by its number; a file with a broken structure is refused, with the position.
"""

from pathlib import Path

from finetune.data.readers.decoder import Decoder, Fault, skip_space, strings_of, what_is
from finetune.data.readers.encoding import encoding_of
from finetune.data.readers.lines import is_json
from finetune.data.readers.reader import Reader
from finetune.data.table import Reading, Table
from finetune.errors import DataError

WINDOW_CHARACTERS = 2**21
"""How much of a list of rows is in memory at once; the longest row fits."""
MAX_ELEMENT_CHARACTERS = 2**24
"""A row that does not end within this is a fault of the file, not a row to reject for its length."""
MAX_DOCUMENT_CHARACTERS = 64 * 2**20
"""A document that is not a list of rows is read at once, which takes about four times its size in memory."""
MARGIN_CHARACTERS = 16
"""A fault farther than this from the end of the window is not caused by that end."""


class Document(Reader):
    """One JSON value that holds the rows."""

    titles = ("JSON",)
    suffixes = (".json",)
    hub_suffixes = (".json",)
    order = 30
    is_text = True

    def claims(self, head):
        return is_json(head)  # JSON lines were claimed before

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """A JSON array of objects, an object of arrays, an object with one array of objects, or a single row."""
        table, decoder = Table("JSON", reading=reading), Decoder()
        with path.open(encoding=encoding_of(path, reading.encoding), newline="") as file:
            window, size = _Window(file), path.stat().st_size
            table.share = lambda: file.buffer.raw.tell() / size
            if window.next() == "[":
                _read_array(table, decoder, window)
                return table
            window.take_in_all(path.name)
        try:
            value = decoder.value(window.text)
        except Fault as fault:
            raise window.broken(path.name, fault) from None
        for row in _rows(value, table, path.name):
            _take(table, row, None, sum(map(len, strings_of(row))))
        return table


class _Window:
    """The part of a text around the current position; a list of rows needs only this in memory."""

    def __init__(self, file):
        self._file, self.text, self.position = file, "", 0
        self._line, self._before, self._counted = 1, 0, 0
        self.ended = False
        self._take_in(WINDOW_CHARACTERS)

    def next(self) -> str:
        """The next character that is not white space; empty at the end."""
        while (position := skip_space(self.text, self.position)) == len(self.text) and not self.ended:
            self.position = position
            self._take_in(WINDOW_CHARACTERS)
        self.position = position
        return self.text[position : position + 1]

    def element(self, decoder: Decoder) -> tuple[object, int, str | None]:
        """The value at the position, its length, and its fault if it has one; moves the position to its end.

        ``Fault`` if the end of the value cannot be determined.
        """
        wanted = WINDOW_CHARACTERS
        while True:
            if len(self.text) - self.position < wanted and not self.ended:
                self._take_in(2 * wanted)
            try:
                value, end, fault = decoder.element(self.text, self.position)
            except Fault as broken:
                if self.ended or wanted >= MAX_ELEMENT_CHARACTERS or _is_certain(broken, len(self.text)):
                    raise
            else:
                if end < len(self.text) or self.ended:
                    length, self.position = end - self.position, end
                    return value, length, fault
            wanted *= 4

    def take_in_all(self, name: str) -> None:
        """Read the whole text into the window; ``DataError`` if it is too large."""
        self._take_in(MAX_DOCUMENT_CHARACTERS)
        if not self.ended:
            raise DataError(
                f"{name} is larger than {MAX_DOCUMENT_CHARACTERS // 2**20} MB and not a list of rows.",
                "Write a list of objects, or one object per line (JSONL).",
            )

    def line(self) -> int:
        """The line of the position."""
        self._line += self.text.count("\n", self._counted, self.position)
        self._counted = self.position
        return self._line

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


def _read_array(table: Table, decoder: Decoder, window: _Window) -> None:
    """Each element of the array that begins in ``window`` as a row."""
    window.position += 1
    while window.next() != "]" or table.total_rows:
        line = window.line()
        try:
            value, length, fault = window.element(decoder)
        except Fault as broken:
            raise window.broken(f"Row {table.total_rows + 1:,}", broken) from None
        if fault:
            table.reject(fault, line, length)
        else:
            _take(table, value, line, length)
        if window.next() != ",":
            break
        window.position += 1
    if window.next() != "]":
        raise window.broken("The list", Fault('It does not continue with "," or "]".', window.position))
    window.position += 1
    if window.next():
        raise window.broken("The file", Fault("Something follows the end of the list.", window.position))


def _take(table: Table, value: object, line: int | None, size: int | None) -> None:
    if not isinstance(value, dict):
        return table.reject(f"It is {what_is(value)}, not an object with named columns.", line, size or 0)
    table.add(value, line, size)


def _rows(value: object, table: Table, name: str) -> list:
    """The rows in a JSON value that is not an array."""
    if not isinstance(value, dict):
        raise DataError(f"{name} contains {what_is(value)}, not rows.", "Write a list of objects with named columns.")
    tables = [key for key, part in value.items() if _is_list_of_rows(part)]
    if len(tables) == 1 and not _is_turns(value[tables[0]]):
        table.notes.append(f'The rows are the list named "{tables[0]}".')
        return value[tables[0]]
    if len(tables) > 1 and not any(_is_turns(value[key]) for key in tables):
        names = ", ".join(tables)
        raise DataError(
            f"{name} contains more than one list of rows: {names}.", "Keep one of them, as a list of objects."
        )
    if value and all(isinstance(part, list) for part in value.values()) and not tables:
        lengths = {key: len(part) for key, part in value.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{key} {length:,}" for key, length in lengths.items())
            raise DataError(
                f"The columns of {name} differ in length: {listed}.", "Give each the same number of values."
            )
        return [dict(zip(value, values)) for values in zip(*value.values())]
    return [value] if value else []


def _is_list_of_rows(part: object) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(item, dict) for item in part)


def _is_turns(part: list[dict]) -> bool:
    """True for the turns of one conversation, which are not rows."""
    return all({"role", "content"} <= item.keys() or {"from", "value"} <= item.keys() for item in part)

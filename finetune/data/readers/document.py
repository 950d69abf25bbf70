"""A JSON document: a list of rows, read through a sliding window; one value that holds them; or several of these.

A row with a fault is rejected by its number; a file with a broken structure is refused, with the position. Of one that
is truncated, the whole rows are read.
"""

from pathlib import Path

from finetune.data.readers.decoder import Fault, strings_of
from finetune.data.readers.encoding import encoding_of
from finetune.data.readers.lines import is_json
from finetune.data.readers.loose import COMMAS
from finetune.data.readers.reader import Reader
from finetune.data.readers.shapes import row_in, rows_in
from finetune.data.readers.window import Window
from finetune.data.table import Reading, Table
from finetune.errors import DataError

MAX_DOCUMENT_CHARACTERS = 64 * 2**20
"""A document that is not a list of rows is read at once, which takes about four times its size in memory."""


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
        """Arrays of rows, or objects: each a row, or a single one that holds the rows (``shapes``)."""
        table = Table("JSON", reading=reading)
        with path.open(encoding=encoding_of(path, reading.encoding), newline="") as file:
            window, size = Window(file), path.stat().st_size
            table.share = lambda: file.buffer.raw.tell() / size
            if not window.next():
                raise window.broken(path.name, Fault("It is not valid JSON: expecting value.", window.position))
            alone = _read_values(table, window, path.name)
        for row in rows_in(alone, path.name, table.notes) if alone is not None else ():
            _take(table, window, row, None, sum(map(len, strings_of(row))))
        table.notes += window.notes
        return table


def _read_values(table: Table, window: Window, name: str) -> object:
    """Take the rows of all arrays and objects, one after another; an object that is alone is returned instead."""
    alone = None
    while mark := window.next():
        if mark == "[":
            if not _read_array(table, window):
                break
        else:
            line = window.line()
            value = _whole(table, window, name)
            if value is None:
                break
            if alone is None and not table.total_rows and not window.next():
                return value
            _take(table, window, value, line, None)
        if window.next() == ",":
            window.ways[COMMAS] += 1
            window.position += 1
    return alone


def _whole(table: Table, window: Window, name: str) -> object:
    """The next value; None if the text is truncated in it and there are rows before it."""
    line = window.line()
    try:
        value, _, fault = window.element(MAX_DOCUMENT_CHARACTERS)
    except Fault as broken:
        if not window.ended and len(window.text) >= MAX_DOCUMENT_CHARACTERS:
            raise DataError(
                f"{name} is larger than {MAX_DOCUMENT_CHARACTERS // 2**20} MB and not a list of rows.",
                "Write a list of objects, or one object per line (JSONL).",
            ) from None
        if window.text.startswith("{", window.position) and window.is_truncated(broken) and len(table.rows):
            _end_early(table, line, broken)
            return None
        raise window.broken(name, broken) from None
    if fault:
        raise DataError(f"{name}: {fault}")
    return value


def _read_array(table: Table, window: Window) -> bool:
    """Take each element of the array that begins in ``window`` as a row; False if the text is truncated in it."""
    window.position += 1
    before, after_comma = table.total_rows, False
    while (mark := window.next()) != "]":
        line = window.line()
        if not mark and table.total_rows > before:
            _end_early(table, line, None)
            return False
        try:
            value, length, fault = window.element()
        except Fault as broken:
            if not (window.is_truncated(broken) and len(table.rows)):
                raise window.broken(f"Row {table.total_rows + 1:,}", broken) from None
            _end_early(table, line, broken)
            return False
        if fault:
            table.reject(fault, line, length)
        else:
            _take(table, window, value, line, length)
        after_comma = _moves_past_comma(window)
    window.ways[COMMAS] += after_comma
    window.position += 1
    return True


def _moves_past_comma(window: Window) -> bool:
    """True if a comma follows an element, and the position moves past it; one that lacks is counted."""
    mark = window.next()
    if mark == ",":
        window.position += 1
        return True
    if mark in ("{", "["):
        window.ways[COMMAS] += 1
    elif mark and mark != "]":
        raise window.broken("The list", Fault('It does not continue with "," or "]".', window.position))
    return False


def _end_early(table: Table, line: int, fault: Fault | None) -> None:
    """Say that the file ends too early, in the middle of a row if there is a ``fault``."""
    table.notes.append(
        f"The file is truncated: it ends too early, after {len(table.rows):,} whole rows, which are read."
    )
    if fault:
        table.reject(f"The file is truncated in it. {fault}", line)


def _take(table: Table, window: Window, value: object, line: int | None, size: int | None) -> None:
    if isinstance(value, dict):
        return table.add(value, line, size)
    try:
        row, way = row_in(value)
    except Fault as fault:
        return table.reject(str(fault), line, size or 0)
    window.ways[way] += 1
    table.add(row, line, size)

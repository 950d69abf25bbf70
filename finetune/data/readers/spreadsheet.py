"""Excel workbooks (.xlsx): the first sheet with rows, its cells as text.

Text cells stay as they are (``007``, ``NA``). Numbers and dates are stored without their cell format, so they become
plain text, and the table's notes say so.
"""

import datetime
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import ParseError

from finetune.data.readers.reader import Reader
from finetune.data.readers.signature import ZIP, members
from finetune.data.table import MAX_COLUMNS, Reading, Table
from finetune.errors import DataError

WORKBOOK = "xl/workbook.xml"
"""The member that only an Excel workbook has."""
MAX_BYTES = 128 * 2**20
"""Bytes of a workbook once unpacked; its XML is read at about 10 MB a second."""
FREE_BYTES = 16 * 2**20
"""Up to here, the unpacked size is not compared with that of the file."""
MAX_RATIO = 100
"""Beyond that, to this many times its size; workbooks pack to a tenth."""
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, ParseError, OSError, EOFError),
    *(LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError),
)
"""What openpyxl and the zip reader raise over damaged files: they do not validate, so nearly anything."""


class Spreadsheet(Reader):
    """Cells of a sheet, below a header row."""

    titles = ("Excel (.xlsx)",)
    suffixes = (".xlsx",)
    order = 60

    def claims(self, head):
        return head.bytes.startswith(ZIP) and WORKBOOK in members(head.path)

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The rows of the first sheet that has any, below its header; formulas as the values last computed."""
        from openpyxl import load_workbook

        _refuse_bomb(path)
        warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")  # of styles that it leaves out
        try:
            with path.open("rb") as file:  # openpyxl refuses a path by its name, whatever the content
                book = load_workbook(file, read_only=True, data_only=True)
                try:
                    return _first_table(book, reading)
                finally:
                    book.close()
        except DataError:
            raise
        except DAMAGE as error:
            reason = str(error).split("\n")[0][:200] or type(error).__name__
            raise DataError(
                f"{path.name} is a damaged Excel file: {reason}", "Open it in Excel and save it again."
            ) from None


def _refuse_bomb(path: Path) -> None:
    """``DataError`` if the workbook unpacks to more than it may."""
    unpacked, packed = sum(members(path).values()), path.stat().st_size
    if unpacked > MAX_BYTES or unpacked > max(FREE_BYTES, MAX_RATIO * packed):
        raise DataError(
            f"{path.name} unpacks to {unpacked // 2**20:,} MB, which is too much for an Excel file of its size.",
            "Save it as CSV.",
        )


def _first_table(book, reading: Reading) -> Table:
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # some programs store a wrong size, beyond which rows would be lost
        table = _read(sheet, reading)
        if table.rows:
            others = [other.title for other in book.worksheets if other.title != sheet.title]
            if others:
                table.notes.append(
                    f'Only the sheet "{sheet.title}" is read; the workbook also has: {", ".join(others)}.'
                )
            return table
    return Table("Excel")


def _read(sheet, reading: Reading) -> Table:
    table, plain = Table("Excel", reading=reading), {}
    for line, values in _filled_rows(sheet):
        if not table.columns:
            table.name_columns(tuple(written(value).strip() or f"column {n}" for n, value in enumerate(values, 1)))
            continue
        if len(values) > len(table.columns):
            raise DataError(
                f"Row {line:,} of the sheet has a value in column {len(table.columns) + 1}, which has no name.",
                "Name the column in the first row, or empty it.",
            )
        cells = dict(zip(table.columns, values))
        plain.update({name: cell for name, cell in cells.items() if cell is not None and not isinstance(cell, str)})
        table.add({name: written(cells.get(name)) for name in table.columns}, line)
    if plain:
        listed = ", ".join(f"{name} (such as {written(value)})" for name, value in plain.items())
        table.notes.append(f"Numbers and dates are read as plain text, without their cell format: {listed}.")
    return table


def _filled_rows(sheet) -> Iterator[tuple[int, list]]:
    """Each row that has a value, up to its last value, with its number in the sheet."""
    for line, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        values = list(cells)
        while values and values[-1] is None:
            values.pop()
        if len(values) > MAX_COLUMNS:
            raise DataError(
                f"Row {line:,} of the sheet has more than {MAX_COLUMNS:,} columns.",
                "Keep only the columns to train on.",
            )
        if values:
            yield line, values


def written(value: object) -> str:
    """A cell's value as plain text: an empty cell is empty, 3.0 is 3, a date is 2026-01-31."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(" ")
    return str(value)

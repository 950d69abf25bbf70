"""Excel workbooks of before 2007 (.xls)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from finetune.data.readers.damage import damaged
from finetune.data.readers.reader import Reader
from finetune.data.readers.sheets import Sheet, read_sheets
from finetune.data.table import Reading, Table
from finetune.errors import DataError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WORKBOOK = "Workbook".encode("utf-16-le")
BOOK = "Book".encode("utf-16-le")
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
MAX_BYTES = 64 * 2**20
"""The file is read at once, which takes several times its size in memory."""


class OldExcel(Reader):
    """Cells of a sheet, below a header row."""

    titles = ("Excel 97 (.xls)",)
    suffixes = (".xls",)
    order = 64

    def claims(self, head):
        return head.bytes.startswith(OLE)

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The rows of a sheet (``finetune.data.readers.sheets``); formulas as the values last computed."""
        import xlrd

        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path.name} is an .xls file of more than {MAX_BYTES // 2**20} MB.", "Save it as CSV.")
        content = path.read_bytes()
        if ENCRYPTED in content:
            raise DataError(f"{path.name} is protected by a password.", "Open it in Excel and save it without one.")
        if WORKBOOK not in content and BOOK not in content:
            raise DataError(f"{path.name}: This is an old Office file without a workbook.", "Save it as CSV or text.")
        with damaged(path, "Excel file", "Open it in Excel and save it as .xlsx."):
            with xlrd.open_workbook(file_contents=content, ragged_rows=True, logfile=_Silent()) as book:
                return read_sheets([_sheet(each, book.datemode) for each in book.sheets()], "Excel", reading)


class _Silent:
    """Where xlrd writes its remarks on odd files."""

    def write(self, text: str) -> None:
        pass


def _sheet(sheet, datemode: int) -> Sheet:
    def rows() -> Iterator[list]:
        for number in range(sheet.nrows):
            yield list(map(partial(_value, datemode), sheet.row_types(number), sheet.row_values(number)))

    return Sheet(sheet.name, rows)


def _value(datemode: int, kind: int, value: object) -> object:
    """A cell's value; an error as Excel shows it."""
    import xlrd

    if kind == xlrd.XL_CELL_DATE:
        try:
            found = xlrd.xldate_as_datetime(value, datemode)
        except (ValueError, OverflowError):
            return value
        return found.time() if value < 1 else found
    if kind == xlrd.XL_CELL_BOOLEAN:
        return bool(value)
    if kind == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(value, "#ERROR")
    if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return None
    return value

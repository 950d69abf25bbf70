"""Excel workbooks of before 2007 (.xls)."""

from collections.abc import Iterator
from pathlib import Path

from finetune.data.readers.cell_format import shown
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
            options = {"ragged_rows": True, "formatting_info": True, "logfile": _Silent()}
            with xlrd.open_workbook(file_contents=content, **options) as book:
                return read_sheets([_sheet(each, book) for each in book.sheets()], "Excel", reading)


class _Silent:
    """Where xlrd writes its remarks on odd files."""

    def write(self, text: str) -> None:
        pass


def _sheet(sheet, book) -> Sheet:
    def rows() -> Iterator[list]:
        for number in range(sheet.nrows):
            cells = sheet.row(number)
            yield [_value(book.datemode, cell.ctype, cell.value, _format(book, cell.xf_index)) for cell in cells]

    return Sheet(sheet.name, rows, sheet.visibility != 0)


def _format(book, style: int) -> str:
    """The format of a cell of this style, as its code."""
    return book.format_map[book.xf_list[style].format_key].format_str


def _value(datemode: int, kind: int, value: object, code: str) -> object:
    """A cell's value as Excel shows it; ``code`` is its format."""
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
    found = shown(value, code) if kind == xlrd.XL_CELL_NUMBER else None
    return value if found is None else found

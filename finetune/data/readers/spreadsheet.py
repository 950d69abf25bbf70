"""Excel workbooks (.xlsx), read row by row."""

import re
import warnings
import zipfile
from collections.abc import Iterator
from itertools import repeat, zip_longest
from pathlib import Path

from finetune.data.readers.cell_format import shown
from finetune.data.readers.damage import damaged
from finetune.data.readers.reader import Reader
from finetune.data.readers.sheets import UNCOMPUTED, Sheet, read_sheets
from finetune.data.readers.signature import ZIP, members, refuse_bomb
from finetune.data.table import Reading, Table

WORKBOOK = "xl/workbook.xml"
"""The member that only an Excel workbook has."""
SHEETS = "xl/worksheets/"
FORMULA = re.compile(rb"<f[ >/]")
COMPUTED = re.compile(rb"<f(?:/>| [^<>]*/>|[^<>]*>[^<]*</f>)<v>[^<]")
OVERLAP_BYTES = 2**14
"""A formula is not longer."""
ESCAPED = re.compile("_x[0-9A-Fa-f]{4}_")
"""A character as Excel stores it that XML has no letters for: ``_x000D_`` is a carriage return."""


class Spreadsheet(Reader):
    """Cells of a sheet, below a header row."""

    titles = ("Excel (.xlsx)",)
    suffixes = (".xlsx", ".xlsm")
    order = 60

    def claims(self, head):
        return head.bytes.startswith(ZIP) and WORKBOOK in members(head.path)

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The rows of a sheet (``finetune.data.readers.sheets``); formulas as the values last computed."""
        from openpyxl import load_workbook

        refuse_bomb(path, "an Excel file")
        warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")  # of styles that it leaves out
        with damaged(path, "Excel file", "Open it in Excel and save it again."):
            lacks_values = _lacks_values(path)
            with path.open("rb") as file:  # openpyxl refuses a path by its name, whatever the content
                book = load_workbook(file, read_only=True, data_only=True)
                formulas = load_workbook(file, read_only=True) if lacks_values else None
                try:
                    sheets = [_sheet(sheet, formulas and formulas[sheet.title]) for sheet in book.worksheets]
                    return read_sheets(sheets, "Excel", reading)
                finally:
                    book.close()


def _lacks_values(path: Path) -> bool:
    """True if there are formulas, and none has a stored value: no program has computed them since they were written."""
    has_formulas, before = False, b""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not (name.startswith(SHEETS) and name.endswith(".xml")):
                continue
            with archive.open(name) as sheet:
                while chunk := sheet.read(2**20):
                    block, before = before + chunk, chunk[-OVERLAP_BYTES:]
                    if COMPUTED.search(block):
                        return False
                    has_formulas = has_formulas or FORMULA.search(block) is not None
    return has_formulas


def _sheet(sheet, formulas) -> Sheet:
    """A sheet of openpyxl; ``formulas`` is the same one with formulas instead of their values, if those are lacking."""
    for each in (sheet, formulas):
        if each is not None:
            each.reset_dimensions()  # some programs store a wrong size, beyond which rows would be lost

    def rows() -> Iterator[list]:
        written = formulas.iter_rows(values_only=True) if formulas else repeat(())
        for cells, sources in zip(sheet.iter_rows(), written):
            yield [_shown(cell, source) for cell, source in zip_longest(cells, sources[: len(cells)])]

    return Sheet(sheet.title, rows, sheet.sheet_state != "visible")


def _shown(cell, source: object) -> object:
    """The value of a cell of openpyxl as Excel shows it; ``source`` is its formula, or again its value."""
    value = cell.value
    if value is None:
        return None if source is None else UNCOMPUTED
    if isinstance(value, str):
        return _unescaped(value) if "_x" in value and ESCAPED.search(value) else value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        found = shown(value, cell.number_format)
        return value if found is None else found
    return value


def _unescaped(text: str) -> str:
    text = ESCAPED.sub(lambda found: chr(int(found[0][2:6], 16)), text)
    return text.replace("\r\n", "\n").replace("\r", "\n")

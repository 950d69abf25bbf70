"""OpenDocument spreadsheets (.ods) of LibreOffice, parsed as a stream: repeated cells are counted, not copied."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from finetune.data.readers.damage import damaged
from finetune.data.readers.elements import elements
from finetune.data.readers.reader import Reader
from finetune.data.readers.sheets import LAST_ROW, Sheet, read_sheets
from finetune.data.readers.signature import ZIP, members, refuse_bomb
from finetune.data.table import MAX_COLUMNS, MAX_ROWS, Reading, Table, too_many

KIND = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
"""How the first member of the archive begins, which is stored unpacked."""
CONTENT = "content.xml"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
ROW = f"{TABLE}table-row"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


class OpenDocument(Reader):
    """Cells of a sheet, below a header row."""

    titles = ("OpenDocument (.ods)",)
    suffixes = (".ods",)
    order = 62

    def claims(self, head):
        return head.bytes.startswith(ZIP) and KIND in head.bytes[:200] and CONTENT in members(head.path)

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The rows of a sheet (``finetune.data.readers.sheets``); formulas as the values last computed."""
        refuse_bomb(path, "a spreadsheet")
        with damaged(path, "spreadsheet", "Open it in LibreOffice and save it again."):
            sheets = [Sheet(name, lambda name=name: _rows(path, name)) for name in _names(path)]
            return read_sheets(sheets, "OpenDocument", reading)


def _names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive, archive.open(CONTENT) as content:
        found = elements(content, (ROW,), (f"{TABLE}table",))
        return [node.get(f"{TABLE}name", "") for event, node in found if event == "start"]


def _rows(path: Path, wanted: str) -> Iterator[list]:
    """The cells of each row of the sheet ``wanted``; ``DataError`` if there are too many."""
    with zipfile.ZipFile(path) as archive, archive.open(CONTENT) as content:
        name, count = None, 0
        for event, node in elements(content, (ROW,), (f"{TABLE}table",)):
            if event == "start":
                name = node.get(f"{TABLE}name", "")
            elif name == wanted:
                cells, repeated = _cells(node), _repeated(node, "rows")
                if not cells and repeated > 1:
                    repeated = min(repeated, max(0, MAX_ROWS - count))  # the empty rows down to the end of the sheet
                count += repeated
                if count > LAST_ROW:
                    raise too_many()
                for _ in range(repeated):
                    yield cells


def _cells(row: Element) -> list:
    """The values of a row up to the last one that is filled."""
    values: list = []
    waiting = 0
    for cell in row:
        if cell.tag not in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
            continue
        value, repeated = _value(cell), _repeated(cell, "columns")
        if value is None:
            waiting += repeated
            continue
        values += [None] * min(waiting, MAX_COLUMNS + 1)
        waiting = 0
        values += [value] * min(repeated, MAX_COLUMNS + 1)
        if len(values) > 2 * MAX_COLUMNS:
            break
    return values


def _repeated(node: Element, what: str) -> int:
    return max(1, int(node.get(f"{TABLE}number-{what}-repeated", "1")[:18]))


def _value(cell: Element) -> object:
    """The value of a cell, a share or a price as it is shown; None if it is empty."""
    kind = cell.get(f"{OFFICE}value-type")
    text = "\n".join(_text(paragraph) for paragraph in cell if paragraph.tag == f"{TEXT}p")
    if kind == "float" or kind in ("currency", "percentage") and not text:
        return float(cell.get(f"{OFFICE}value"))
    if kind == "boolean":
        return cell.get(f"{OFFICE}boolean-value") == "true"
    if kind == "date":
        return cell.get(f"{OFFICE}date-value").replace("T00:00:00", "").replace("T", " ")
    return text or None


def _text(node: Element) -> str:
    """The text of a paragraph, with its runs of spaces, tabs and line breaks."""
    parts = [node.text or ""]
    for inner in node:
        if inner.tag == f"{TEXT}s":
            parts.append(" " * min(int(inner.get(f"{TEXT}c", "1")[:18]), 10_000))
        elif inner.tag in (f"{TEXT}tab", f"{TEXT}line-break"):
            parts.append("\t" if inner.tag.endswith("tab") else "\n")
        elif not inner.tag.startswith(OFFICE):  # annotations are not part of the text
            parts.append(_text(inner))
        parts.append(inner.tail or "")
    return "".join(parts)

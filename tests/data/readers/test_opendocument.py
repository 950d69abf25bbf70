import time
import zipfile

import pytest

from finetune.data.readers.signature import Head
from finetune.data.sources import read_table, reader_of
from finetune.errors import DataError

SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
)
KIND = "application/vnd.oasis.opendocument.spreadsheet"


def cell(text, repeated=1):
    return (
        f'<table:table-cell table:number-columns-repeated="{repeated}" office:value-type="string">'
        f"<text:p>{text}</text:p></table:table-cell>"
    )


def row(*cells, repeated=1):
    return f'<table:table-row table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'


@pytest.fixture
def write(tmp_path):
    def write(**sheets):
        tables = "".join(f'<table:table table:name="{name}">{rows}</table:table>' for name, rows in sheets.items())
        body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        path = tmp_path / "data.ods"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", KIND, zipfile.ZIP_STORED)
            archive.writestr("content.xml", f"<office:document-content {SPACES}>{body}</office:document-content>")
        return path

    return write


HEADER = row(cell("prompt"), cell("completion"))
NUMBER = '<table:table-cell office:value-type="float" office:value="2.5"><text:p>2,50 €</text:p></table:table-cell>'
DATE = (
    '<table:table-cell office:value-type="date" office:date-value="2026-01-31T00:00:00"><text:p>x</text:p>'
    "</table:table-cell>"
)
SHARE = (
    '<table:table-cell office:value-type="percentage" office:value="0.125"><text:p>12,5 %</text:p></table:table-cell>'
)
EMPTY = '<table:table-cell table:number-columns-repeated="16000"/>'


def test_cells_are_read_as_they_are_shown(write):
    spaced = cell('a<text:s text:c="2"/>b<text:line-break/>c<text:span>d</text:span></text:p><text:p>e')
    path = write(
        Sheet=HEADER
        + row(cell("Oslo?"), spaced, EMPTY)
        + row(NUMBER, DATE)
        + row(DATE, SHARE)
        + row(EMPTY, repeated=1_000_000)
    )
    assert reader_of(path).titles == ("OpenDocument (.ods)",)
    table = read_table(path)
    assert table.rows == [
        {"prompt": "Oslo?", "completion": "a  b\ncd\ne"},
        {"prompt": "2.5", "completion": "2026-01-31"},
        {"prompt": "2026-01-31", "completion": "12,5 %"},
    ]


def test_the_sheet_with_a_table_is_read(write):
    path = write(
        Notes=row(cell("Read me")) + row(cell("well")), Data=HEADER + row(cell("Oslo?"), cell("Yes."), repeated=3)
    )
    assert len(read_table(path).rows) == 3 and read_table(path).sheets == ("Notes", "Data")


@pytest.mark.parametrize("columns, rows", [(16_000, 1), (2, 1_100_000), (16_000, 1_100_000)])
def test_repetition_is_no_bomb(write, columns, rows):
    path = write(Sheet=row(cell("x", columns)) + row(cell("y", columns), repeated=rows))
    began = time.process_time()
    with pytest.raises(DataError):
        read_table(path)
    assert time.process_time() - began < 20


@pytest.mark.parametrize("content", ["<office:document-content/>", "", "<x", f"<x {SPACES}/>"])
def test_a_damaged_file_is_refused_in_words(tmp_path, content):
    path = tmp_path / "data.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", KIND)
        archive.writestr("content.xml", content)
    assert Head.of(path).bytes
    with pytest.raises(DataError, match="damaged spreadsheet|no rows"):
        read_table(path)

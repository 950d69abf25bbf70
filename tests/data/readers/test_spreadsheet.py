import datetime
import io
import zipfile

import pytest
from openpyxl import Workbook, load_workbook

from finetune.data.readers.spreadsheet import Spreadsheet
from finetune.errors import DataError


@pytest.fixture
def write(tmp_path):
    def write(*sheets):
        book = Workbook()
        book.remove(book.active)
        for number, rows in enumerate(sheets, 1):
            sheet = book.create_sheet(f"S{number}")
            for row in rows:
                sheet.append(row)
        path = tmp_path / "data.xlsx"
        book.save(path)
        return path

    return write


def test_text_stays_text(write):
    values = ["007", "NA", "null", "1e5", "True", " padded ", "a\nb", "👩‍👩‍👧"]
    table = Spreadsheet().read(write([["text"], *[[value] for value in values]]))
    assert [row["text"] for row in table.rows] == values
    assert table.notes == []


def test_numbers_and_dates_are_written_plainly_and_noted(write):
    day = datetime.datetime(2026, 1, 31)
    table = Spreadsheet().read(write([["q", "a"], ["x", 4], ["y", 2.5], ["z", day], ["w", True]]))
    assert [row["a"] for row in table.rows] == ["4", "2.5", "2026-01-31", "TRUE"]
    assert "a (such as TRUE)" in table.notes[0]


def test_blank_rows_are_skipped_and_lines_are_those_of_the_sheet(write):
    table = Spreadsheet().read(write([[None], ["q", "a"], ["x", "1"], [None, None], ["y"]]))
    assert table.rows == [{"q": "x", "a": "1"}, {"q": "y", "a": ""}]
    assert table.numbers == [1, 2] and table.lines == [3, 5]


def test_the_first_sheet_with_rows_is_read_and_the_others_are_named(write):
    table = Spreadsheet().read(write([], [["a"], ["1"]], [["b"], ["2"]]))
    assert table.rows == [{"a": "1"}]
    assert table.notes == ['Only the sheet "S2" is read; the workbook also has: S1, S3.']


def test_a_workbook_without_rows_has_none(write):
    assert Spreadsheet().read(write([])).rows == []
    assert Spreadsheet().read(write([["a", "b"]])).rows == []


@pytest.mark.parametrize(
    "rows, message",
    [
        ([["a", "a"], ["1", "2"]], 'More than one column is named "a"'),
        ([["a"], ["1", "2"]], "Row 2 of the sheet has a value in column 2, which has no name"),
        ([["a"], ["1"] * 1001], "more than 1,000 columns"),
    ],
)
def test_a_fault_is_named_with_its_row(write, rows, message):
    with pytest.raises(DataError, match=message):
        Spreadsheet().read(write(rows))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("content", [None, b"<broken", b"<a/>"])
def test_a_damaged_workbook_is_called_damaged_or_is_empty(write, part, content):
    path = write([["a"], ["1"]])
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(buffer, "w") as damaged:
        for name in whole.namelist():
            if name != part:
                damaged.writestr(name, whole.read(name))
            elif content is not None:
                damaged.writestr(name, content)
    path.write_bytes(buffer.getvalue())
    try:
        assert Spreadsheet().read(path).rows == []
    except DataError as error:
        assert "damaged Excel file" in error.message


def test_numbers_are_read_as_their_cells_show_them(tmp_path):
    book = Workbook()
    book.active.append(["q", "a"])
    shown = {"0.0%": (0.125, "12.5%"), "00000": (42, "00042"), '#,##0.00 "€"': (1234.5, "1,234.50 €"), "0": (2.0, "2")}
    for code, (value, _) in shown.items():
        book.active.append([code, value])
        book.active.cell(book.active.max_row, 2).number_format = code
    book.save(tmp_path / "a.xlsx")
    table = Spreadsheet().read(tmp_path / "a.xlsx")
    assert [row["a"] for row in table.rows] == [text for _, text in shown.values()] and not table.notes


def test_a_hidden_sheet_is_not_taken_for_the_table(write):
    path = write([["q", "a"], ["old", "x"], ["old", "y"]], [["q", "a"], ["new", "x"]])
    book = load_workbook(path)
    book.worksheets[0].sheet_state = "hidden"
    book.active = 1
    book.save(path)
    assert [row["q"] for row in Spreadsheet().read(path).rows] == ["new"]

import datetime

import pytest

from finetune.data.readers.archive import ChoiceError
from finetune.data.readers.sheets import UNCOMPUTED, Sheet, _chosen, read_sheets, written
from finetune.data.table import Reading, Table

NOTES = [["Read me"], ["Fill in the other sheet"]]
ROWS = [["prompt", "completion"], ["Oslo?", "Yes."], ["Bern?", "No."]]


def read(sheet=None, **sheets):
    made = [Sheet(name, lambda rows=rows: rows) for name, rows in sheets.items()]
    return read_sheets(made, "Excel", Reading(sheet=sheet))


def test_a_sheet_of_notes_is_not_taken_for_the_table():
    table = read(Notes=NOTES, Data=ROWS, Old=ROWS[:2])
    assert len(table.rows) == 2 and table.sheets == ("Notes", "Data", "Old")
    assert 'Only the sheet "Data" is read; the workbook also has: Notes, Old.' in table.notes


def test_a_sheet_is_chosen_by_its_name():
    assert len(read(" old ", Notes=NOTES, Data=ROWS, Old=ROWS[:2]).rows) == 1
    with pytest.raises(ChoiceError, match="The workbook has: Notes, Data") as error:
        read("Other", Notes=NOTES, Data=ROWS)
    assert error.value.choices == ("Notes", "Data")


def test_a_hidden_sheet_is_read_only_if_no_other_has_rows():
    hidden, notes, data = (Sheet("Old", lambda: ROWS, True), Sheet("Notes", lambda: NOTES), Sheet("Data", lambda: ROWS))
    for sheets, found in (([hidden, notes, data], "Data"), ([hidden, notes], "Notes"), ([hidden], "Old")):
        assert _chosen(sheets, None, Table("Excel")).name == found
    assert _chosen([hidden, data], "old", Table("Excel")).name == "Old"


def test_an_empty_sheet_has_no_rows():
    assert read("Old", Data=ROWS, Old=[]).rows == [] and read(Old=[]).rows == []


def test_one_column_is_a_table_if_no_sheet_has_more():
    assert read(Texts=[["text"], ["One."], ["Two."]]).rows == [{"text": "One."}, {"text": "Two."}]


@pytest.mark.parametrize(
    "above", [[["Report of May"]], [["Report"], [], ["made by Ann"]], [[None, "Report"]]], ids=["one", "two", "moved"]
)
def test_a_title_above_the_header_is_not_read(above):
    table = read(Data=[*above, *ROWS])
    assert table.rows == [{"prompt": "Oslo?", "completion": "Yes."}, {"prompt": "Bern?", "completion": "No."}]
    assert "title" in " ".join(table.notes)


def test_a_first_row_like_the_others_is_no_header():
    table = read(Data=[["Where is Oslo?", "In Norway."], ["Where is Bern?", "In the Alps."], ["Who?", "Me."]])
    assert table.rows[0] == {"column_1": "Where is Oslo?", "column_2": "In Norway."} and len(table.rows) == 3


def test_a_formula_without_a_value_is_a_fault_of_its_cell():
    table = read(Data=[["prompt", "completion"], ["Oslo?", UNCOMPUTED], ["Bern?", "No."]])
    assert table.rows[0] == {"prompt": "Oslo?", "completion": UNCOMPUTED}
    assert "1 row has formulas without a stored value" in " ".join(table.notes)


@pytest.mark.parametrize(
    "value, text",
    [(None, ""), (3.0, "3"), (0.1 + 0.2, "0.3"), (1 / 3, "0.333333333333333"), (False, "FALSE"), ("007", "007"),
     (datetime.time(9, 5), "09:05:00"), (datetime.datetime(2026, 1, 31, 9, 5), "2026-01-31 09:05:00"),
     (datetime.date(2026, 1, 31), "2026-01-31"), (1e20, "1e+20"), (1234567.5, "1234567.5")],
)  # fmt: skip
def test_a_cell_is_written_plainly(value, text):
    assert written(value) == text

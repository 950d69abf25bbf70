import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetune.data import table
from finetune.data.readers import delimited
from finetune.data.readers.delimited import Delimited
from finetune.data.readers.dialect import delimiter_of
from finetune.errors import DataError

cell = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=15)
ODD = ["NA", "null", "None", "nan", "007", "1e5", "True", " a ", "-0", "1,5", "=1", "👩‍👩‍👧", "\u202eabc", "שלום", ""]


@pytest.fixture
def read(tmp_path):
    def read(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Delimited().read(path)

    return read


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_detected_from_the_content(read, delimiter):
    table = read(f'prompt{delimiter}completion\n"a{delimiter} b"{delimiter}"x, y; z"\nc{delimiter}d\n')
    assert table.columns == ("prompt", "completion")
    assert table.rows == [{"prompt": f"a{delimiter} b", "completion": "x, y; z"}, {"prompt": "c", "completion": "d"}]


def test_another_delimiter_than_the_comma_is_noted(read):
    assert read("a;b\n1;2\n").notes == ["The columns are separated by semicolons."]
    assert read("a,b\n1,2\n").notes == []


def test_commas_in_the_text_do_not_outvote_the_semicolon(read):
    table = read("name, first;age\nLee, Ann;1,5\nPoe;2\n")
    assert table.columns == ("name, first", "age") and len(table.rows) == 2


def test_one_column_has_no_delimiter():
    assert delimiter_of("text\nHello; you\nand | me\n") is None
    assert delimiter_of("") is None


@pytest.mark.parametrize("value", ODD)
def test_values_stay_as_written(read, value):
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["a", "b"], [value, "x"]])
    assert read(buffer.getvalue()).rows == [{"a": value, "b": "x"}]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_tables_make_the_round_trip(read, rows, delimiter, ending, encoding):
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([("prompt", "completion", "note"), *rows])
    table = read(buffer.getvalue().encode(encoding))
    assert [tuple(row.values()) for row in table.rows] == rows
    assert table.numbers == list(range(1, len(rows) + 1))


def test_blank_lines_and_mixed_newlines_change_nothing(read):
    table = read("a,b\r\n\n1,2\r\n\r\n3,4\n")
    assert [row["a"] for row in table.rows] == ["1", "3"]
    assert table.numbers == [1, 2]
    assert table.lines == [3, 5]


def test_a_line_is_where_its_row_starts(read):
    table = read('a,b\n"x\ny\nz",1\nc,2\n')
    assert table.lines == [2, 5]
    assert table.rows[0]["a"] == "x\ny\nz"


def test_the_delimiter_that_excel_announces_is_taken(read):
    table = read("sep=;\r\na;b\r\n1;2\r\n")
    assert table.rows == [{"a": "1", "b": "2"}] and table.lines == [3]


def test_names_lose_the_space_around_them_and_gaps_get_one(read):
    table = read(" prompt , completion,\nx,y,z\n")
    assert table.columns == ("prompt", "completion", "column 3")
    assert "column 3" in table.notes[0]


FAULTS = [
    ("a,b\n1,2\n1,2,3\n", r"Row 2 \(line 3\) has 3 values, but there are 2 columns: a, b\."),
    ("a,b\n1\n", r"Row 1 \(line 2\) has 1 values"),
    ('a,b\n1,2\n"open,2\n3,4\n', r"Row 2 \(line 3\) opens a quote that is never closed"),
    ('a,b\n"x"y,2\n', r"Row 1 \(line 2\) has a quote that is not closed where its value ends"),
    ('"a,b\n1,2\n', r"The header \(line 1\) opens a quote"),
    ("a,b,a\n1,2,3\n", 'More than one column is named "a"'),
    ("a,b\n1,\0\n", "Line 2 contains a NUL"),
    (",".join(f"a{n}" for n in range(1001)) + "\n", "more than 1,000 columns"),
    ('a,b\n"' + "x" * 1_000_001 + '",2\n', r"Row 1 \(line 2\) has a value longer than 1,000,000 characters"),
    ("a,b\n1," + "x," * 4_100_000, r"Line 2 is longer than 8,000,000 characters"),
    (b"a,b\ncaf\xe9,1\n", "Byte 7 of data.csv, in line 2"),
]


@pytest.mark.parametrize("content, message", FAULTS, ids=[message[:30] for _, message in FAULTS])
def test_a_fault_is_named_with_its_place(read, content, message):
    with pytest.raises(DataError, match=message):
        read(content)


def test_byte_order_marks_at_the_beginning_of_lines_are_no_text(read):
    assert read("\ufeff\ufeffa,b\n1,2\n\ufeff3,4\n").rows == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_single_ragged_rows_are_rejected_and_many_refuse_the_file(read):
    rows = [f"{number},x\n" for number in range(30)]
    table = read("a,b\n" + "".join([*rows, "1\n", *rows, "1,2,3\n", "4,5,\n"]))
    assert len(table.rows) == 61 and [bad.row for bad in table.rejected] == [31, 62]
    assert table.rejected[1].reason == "It has 3 values, but there are 2 columns."
    assert "1 line begins no further column" in table.notes[0]
    with pytest.raises(DataError, match=r"Row 3 \(line 4\) has 3 values"):
        read("a,b\n1,2\n1,2\n" + "1,2,3\n" * 3)


def test_a_value_longer_than_the_csv_modules_own_limit_is_read(read):
    assert read("a,b\n" + "x" * 200_000 + ",2\n").rows[0]["a"] == "x" * 200_000


@pytest.mark.parametrize("content", ["", "\n\n", "a,b\n", "a,b"])
def test_no_rows_are_no_rows(read, content):
    assert read(content).rows == []


@pytest.mark.parametrize("head", ["", "sep=;\n", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_too_many_rows_are_refused_before_they_are_read(tmp_path, monkeypatch, head, end):
    path = tmp_path / "a.csv"
    for module in (delimited, table):
        monkeypatch.setattr(module, "MAX_ROWS", 3)
    rows = ["a;b", '1;"x', 'y"', "2;x", "", "3;x"]
    path.write_text(head + end.join(rows), encoding="utf-8", newline="")
    assert len(Delimited().read(path).rows) == 3
    path.write_text(head + end.join([*rows, "4;x"]), encoding="utf-8", newline="")
    monkeypatch.setattr(delimited, "_take_all", None)  # so that reading them would fail
    with pytest.raises(DataError, match="There are more than 3 rows"):
        Delimited().read(path)


def test_a_fault_is_reported_rather_than_the_number_of_rows(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    for module in (delimited, table):
        monkeypatch.setattr(module, "MAX_ROWS", 3)
    path.write_text('a,b\n1,"x"y\n' + "2,x\n" * 9)
    with pytest.raises(DataError, match="not closed where its value ends"):
        Delimited().read(path)

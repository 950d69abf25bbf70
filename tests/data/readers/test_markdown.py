import pytest

from finetune.data.sources import read_table
from finetune.errors import DataError

TABLE = "| q | a |\n|---|:-:|\n| x | y |\n| z \\| w | one<br>two |\n"


@pytest.fixture
def read(tmp_path):
    def read(content, name="data.md"):
        path = tmp_path / name
        path.write_text(content)
        return read_table(path)

    return read


@pytest.mark.parametrize("name", ["data.md", "data.txt", "data.csv", "data"])
def test_a_table_is_read_whatever_its_name(read, name):
    table = read(TABLE, name)
    assert table.rows == [{"q": "x", "a": "y"}, {"q": "z | w", "a": "one\ntwo"}]
    assert table.lines == [3, 4] and table.title == "Markdown table"


def test_text_beside_the_table_is_not_read_and_said(read):
    table = read("# Title\n\n" + TABLE + "\nThe end.\n")
    assert len(table.rows) == 2 and "2 lines beside the table are not read." in table.notes


def test_short_rows_are_filled_and_long_ones_rejected(read):
    table = read("q | a\n--- | ---\nx |\n1 | 2 | 3\n")
    assert table.rows == [{"q": "x", "a": ""}] and "3 cells" in table.rejected[0].reason


def test_tables_with_different_headers_are_refused(read):
    with pytest.raises(DataError, match="Line 6 begins a table with other columns"):
        read(TABLE + "\n| u | v |\n|---|---|\n| x | y |\n")


@pytest.mark.parametrize("text", ["one\n---\ntwo\n", "a | b\nno rule\n", "x\n\n" * 9 + TABLE])
def test_prose_with_rules_or_a_small_table_stays_prose(read, text):
    assert read(text).columns == ("text",)

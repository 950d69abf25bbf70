import time

import pytest

from finetune.data import table as limits
from finetune.data.table import Reading, Rejected, Table, none_can, place
from finetune.errors import DataError


def test_rows_are_numbered_as_they_come_rejected_or_not():
    table = Table("CSV")
    table.add({"a": "1"}, 2)
    table.reject("It is odd.", 3)
    table.add({"a": "2", "b": "x"}, 4)
    assert table.numbers == [1, 3] and table.lines == [2, 4]
    assert table.columns == ("a", "b")
    assert table.rejected == [Rejected(2, "It is odd.", 3)]
    assert table.total_rows == 3


def test_a_place_is_named_in_words():
    assert place(1200, None) == "row 1,200"
    assert Rejected(17, "", 18).where == "row 17 (line 18)"
    assert none_can(1) == "The only row cannot" and none_can(1319) == "None of the 1,319 rows can"


def test_columns_that_share_a_name_are_refused():
    with pytest.raises(DataError, match='More than one column is named "a", "b"'):
        Table("CSV").name_columns(("a", "b", "a", "b", "c"))


def test_too_many_columns_are_refused():
    with pytest.raises(DataError, match="more than 1,000 columns"):
        Table("CSV").add({f"c{n}": "" for n in range(1001)})


def test_a_row_that_is_too_long_is_rejected():
    table = Table("CSV")
    table.add({"a": "x" * (limits.MAX_ROW_CHARACTERS + 1)}, 2)
    table.add({"a": "x"}, 3)
    assert table.numbers == [2]
    assert table.rejected[0].reason == "It is longer than 1,000,000 characters."


def test_the_budgets_end_the_reading(monkeypatch):
    monkeypatch.setattr(limits, "MAX_ROWS", 2)
    table = Table("CSV")
    table.add({"a": "1"})
    table.add({"a": "2"})
    with pytest.raises(DataError, match="more than 2 rows"):
        table.add({"a": "3"})
    monkeypatch.setattr(limits, "MAX_BYTES", 10)
    with pytest.raises(DataError, match="larger than"):
        Table("CSV").add({"a": "x" * 11})


def test_reading_that_takes_too_long_ends():
    table = Table("CSV", started=time.monotonic() - limits.MAX_SECONDS - 1)
    with pytest.raises(DataError, match="more than 120 seconds"):
        for _ in range(1000):
            table.add({"a": "1"})


@pytest.fixture
def table():
    table = Table("CSV")
    for number in range(1, 4):
        table.add({"a": str(number)}, number + 1)
    table.reject("It is odd.", 5)
    return table


def test_rows_that_are_not_kept_are_rejected_with_their_line(table):
    kept = table.keep(lambda number: number != 2, "You left it out.")
    assert kept.rows == [{"a": "1"}, {"a": "3"}] and kept.numbers == [1, 3] and kept.lines == [2, 4]
    assert kept.rejected == [Rejected(2, "You left it out.", 3), Rejected(4, "It is odd.", 5)]
    assert kept.total_rows == table.total_rows == 4
    assert len(table.rows) == 3 and len(table.rejected) == 1
    assert table.keep(lambda number: True, "") is table


def test_rows_are_replaced_by_number(table):
    def change(number, values):
        return {"a": "two", "b": "new"} if number == 2 else None

    changed = table.replaced(change)
    assert changed.rows == [{"a": "1"}, {"a": "two", "b": "new"}, {"a": "3"}]
    assert changed.columns == ("a", "b") and changed.numbers == [1, 2, 3] and changed.lines == [2, 3, 4]
    assert table.rows[1] == {"a": "2"} and table.columns == ("a",)
    assert table.replaced(lambda number, values: dict(values)) is table


def test_only_the_named_rows_are_changed(table):
    seen = []
    changed = table.replaced(lambda number, values: seen.append(number) or {"a": "x"}, only={3, 9})
    assert seen == [3] and [row["a"] for row in changed.rows] == ["1", "2", "x"]


def test_an_added_row_has_the_next_number_and_no_line(table):
    longer = table.added({"a": "4", "c": "x"}).keep(lambda number: number != 1, "").added({"a": "5"})
    assert longer.rows == [{"a": "2"}, {"a": "3"}, {"a": "4", "c": "x"}, {"a": "5"}]
    assert longer.numbers == [2, 3, 5, 6] and longer.lines == [3, 4, None, None] and longer.columns == ("a", "c")
    assert len(table.rows) == 3


def test_a_table_of_little_but_bad_rows_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_REJECTED", 2)
    table = Table("CSV")
    table.reject("It is odd.", 2)
    table.reject("It is odd.", 3)
    with pytest.raises(DataError, match=r"More than 2 rows cannot be read. Row 1 \(line 2\): It is odd."):
        table.reject("It is odd.", 4)


def test_progress_is_reported_at_most_ten_times_a_second():
    shares = []
    table = Table("CSV", reading=Reading(progress=shares.append), share=lambda: 0.5)
    for _ in range(5000):
        table.add({"a": "1"})
    assert shares and set(shares) == {0.5} and len(shares) <= 2


def test_a_row_knows_its_file():
    table = Table("CSV", files=[("a.csv", 1), ("b.csv", 3)])
    assert [table.file_of(number) for number in (1, 2, 3, 9)] == ["a.csv", "a.csv", "b.csv", "b.csv"]
    assert Table("CSV").file_of(1) == ""
    assert Rejected(3, "", 2, "b.csv").where == "row 3 (of b.csv, line 2)"

import time

import pytest

from finetune.data import table as limits
from finetune.data.table import Rejected, Table, none_can, place
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
    with pytest.raises(DataError, match="more than 64 columns"):
        Table("CSV").add({f"c{n}": "" for n in range(65)})


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

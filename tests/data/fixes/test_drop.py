import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.fixes.drop import Drop, numbers, ranges
from tests.rows import clean, read


def test_rows_are_left_out_and_keep_their_numbers():
    dataset = read(clean(6), Drop(rows="2, 4-5"))
    assert dataset.rows == [1, 3, 6]
    assert [(row.row, row.reason) for row in dataset.rejected] == [(n, "You left it out.") for n in (2, 4, 5)]
    assert dataset.total_rows == 6


def test_missing_rows_are_ignored():
    assert read(clean(3), Drop(rows="9"), Drop(rows="2"), Drop(rows="2")).rows == [1, 3]


@given(st.sets(st.integers(1, 500), min_size=1))
def test_ranges_are_read_back(rows):
    assert numbers(ranges(tuple(rows))) == rows


@pytest.mark.parametrize("rows", ["0", "3-1", "x", "1-", "-2", "1-99999999", "²"])
def test_malformed_row_numbers_are_refused(rows):
    with pytest.raises(ValueError):
        numbers(rows)


def test_many_rows_are_abbreviated():
    assert Drop(rows="7").words == "Row 7 was left out."
    assert Drop(rows="1, 3-4").words == "3 rows were left out: 1, 3-4."
    words = Drop(rows=ranges(list(range(1, 400, 2)))).words
    assert words.startswith("200 rows were left out: 1, 3, 5,") and words.endswith(", ….") and len(words) < 120

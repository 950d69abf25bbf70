import pytest

from tests.rows import clean, finding, read


def leaking():
    """A hundred rows, and ten held-out ones: one equals row 3, and one is a near-duplicate of row 5."""
    rows = clean(110)
    kept = rows[100:]
    kept[0] = rows[2]
    kept[1] = {"prompt": rows[4]["prompt"].upper(), "completion": rows[4]["completion"]}
    return rows[:100], read(kept)


@pytest.mark.parametrize("code, row", [("leakage", 3), ("near-leakage", 5)])
def test_rows_in_both_parts_are_reported_and_left_out(code, row):
    rows, kept = leaking()
    found = finding(rows, code, held_out=kept)
    assert (found.severity, found.rows, found.fix.rows) == ("warning", (row,), str(row))
    assert "held-out row" in found.message and "leakage" in found.message
    assert finding(rows, code, found.fix, held_out=kept) is None


def test_if_all_rows_are_in_both_parts_it_is_a_problem():
    found = finding(clean(20), "leakage", held_out=read(clean(20)))
    assert found.severity == "problem"
    assert (found.fix, found.button) == (None, "")  # it would leave no row


def test_nothing_leaks_without_held_out_or_similar_rows():
    rows = clean(110)
    for code in ("leakage", "near-leakage"):
        assert finding(rows, code) is None
        assert finding(rows[:100], code, held_out=read(rows[100:])) is None

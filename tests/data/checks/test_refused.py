from finetune.data.fixes.drop import Drop
from tests.rows import clean, finding

EMPTY = {"prompt": "Why?", "completion": ""}


def test_rejected_rows_are_reported_with_the_first_reason():
    found = finding([*clean(3), EMPTY, *clean(120)[3:], EMPTY], "rejected")
    assert (found.severity, found.rows) == ("warning", (4, 122))
    assert found.message.startswith("2 rows are rejected; the first is row 4: ")


def test_when_most_are_rejected_it_is_a_problem():
    assert finding([*clean(3), *[EMPTY] * 4], "rejected").severity == "problem"


def test_rows_that_a_person_left_out_are_not_reported():
    assert finding([*clean(120), EMPTY], "rejected", Drop(rows="121")) is None
    assert finding(clean(120), "rejected") is None

from tests.rows import LENGTH, clean, finding

LONG = {"prompt": "Listen: " + "and on " * LENGTH, "completion": "Well."}


def test_rows_without_trained_tokens_are_reported():
    rows = [*clean(150), LONG]
    found = finding(rows, "nothing-to-learn")
    assert (found.severity, found.rows) == ("warning", (151,))
    assert found.message == "1 row has no trained tokens at this length: the answer is truncated."
    assert finding(rows, "nothing-to-learn", found.fix) is None


def test_if_most_rows_are_affected_a_larger_length_is_offered():
    found = finding([LONG, LONG, *clean(1)], "nothing-to-learn")
    assert (found.severity, found.rows, found.fix, found.length) == ("problem", (1, 2), None, 128)


def test_rows_within_the_length_are_not_reported():
    assert finding(clean(150), "nothing-to-learn") is None

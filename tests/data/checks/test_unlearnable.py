from tests.rows import LENGTH, clean, finding

LONG = {"prompt": "Listen: " + "and on " * LENGTH, "completion": "Well."}


def test_rows_with_nothing_to_learn_are_told():
    rows = [*clean(150), LONG]
    found = finding(rows, "nothing-to-learn")
    assert (found.severity, found.rows) == ("warning", (151,))
    assert found.message == "1 row has nothing to learn at this length: the answer lies behind the cut."
    assert finding(rows, "nothing-to-learn", found.fix) is None


def test_where_it_concerns_most_rows_a_longer_length_is_offered():
    found = finding([LONG, LONG, *clean(1)], "nothing-to-learn")
    assert (found.severity, found.rows, found.fix, found.length) == ("problem", (1, 2), None, 128)


def test_rows_within_the_length_are_not_told():
    assert finding(clean(150), "nothing-to-learn") is None

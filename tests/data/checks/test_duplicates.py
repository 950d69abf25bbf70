from tests.rows import clean, finding


def test_duplicates_are_reported_and_left_out():
    rows = [*clean(200), clean(1)[0], clean(1)[0]]
    found = finding(rows, "duplicates")
    assert (found.severity, found.message, found.rows) == (
        "info",
        "2 rows are duplicates of an earlier one.",
        (201, 202),
    )
    assert finding(rows, "duplicates", found.fix) is None
    assert finding(rows, "rejected", found.fix) is None


def test_many_duplicates_are_a_warning():
    assert finding(clean(50) * 2, "duplicates").severity == "warning"


def test_the_same_question_with_another_answer_is_no_duplicate():
    assert finding([*clean(100), {**clean(1)[0], "completion": "Nobody knows."}], "duplicates") is None

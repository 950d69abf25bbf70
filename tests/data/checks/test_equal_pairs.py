from tests.rows import clean, finding, pair


def pairs(count):
    return [pair(row["prompt"], row["completion"], f"Not {row['completion']}") for row in clean(count)]


def test_pairs_of_equal_answers_are_reported_and_left_out():
    rows = [*pairs(150), pair("Why?", "Because.", "Because.")]
    found = finding(rows, "equal-pairs")
    assert (found.severity, found.rows) == ("warning", (151,))
    assert found.message == "1 row has the same chosen and rejected answer, so there is no preference to learn."
    assert finding(rows, "equal-pairs", found.fix) is None


def test_when_most_pairs_are_equal_it_is_a_problem():
    assert (
        finding([*pairs(1), *[pair(f"Why {n}?", "So.", "So.") for n in range(3)]], "equal-pairs").severity == "problem"
    )


def test_other_rows_have_no_pairs():
    assert finding(pairs(30), "equal-pairs") is None and finding(clean(30), "equal-pairs") is None

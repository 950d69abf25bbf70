from tests.rows import clean, finding


def shouted(row):
    return {"prompt": row["prompt"].upper(), "completion": row["completion"]}


def test_near_duplicates_are_reported_and_left_out():
    rows = [*clean(200), shouted(clean(3)[2])]
    found = finding(rows, "near-duplicates")
    assert (found.severity, found.rows) == ("info", (201,))
    assert found.message == "1 row is a near-duplicate of an earlier one."
    assert finding(rows, "near-duplicates", found.fix) is None


def test_many_are_a_warning():
    assert finding([*clean(50), *map(shouted, clean(20))], "near-duplicates").severity == "warning"


def test_exact_duplicates_are_reported_elsewhere():
    assert finding(clean(50) * 2, "near-duplicates") is None


def test_near_duplicates_of_a_sample_are_not_extrapolated():
    rows = [row for each in clean(100) for row in (each, shouted(each))]
    found = finding(rows, "near-duplicates", budget=150)
    assert found.message.startswith("Among 150 sampled rows, ") and "About" not in found.message

from tests.rows import clean, finding


def shouted(row):
    return {"prompt": row["prompt"].upper(), "completion": row["completion"]}


def test_near_repeats_are_told_and_left_out():
    rows = [*clean(200), shouted(clean(3)[2])]
    found = finding(rows, "near-duplicates")
    assert (found.severity, found.rows) == ("info", (201,))
    assert found.message == "1 row says nearly the same as an earlier one."
    assert finding(rows, "near-duplicates", found.fix) is None


def test_many_are_a_warning():
    assert finding([*clean(50), *map(shouted, clean(20))], "near-duplicates").severity == "warning"


def test_the_very_same_is_told_elsewhere():
    assert finding(clean(50) * 2, "near-duplicates") is None


def test_a_sample_speaks_for_itself_only():
    rows = [row for each in clean(100) for row in (each, shouted(each))]
    found = finding(rows, "near-duplicates", budget=150)
    assert found.message.startswith("Among 150 rows looked at, ") and "About" not in found.message

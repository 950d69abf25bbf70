from tests.rows import clean, finding


def beside(**more):
    return [{**row, **{name: value(n) for name, value in more.items()}} for n, row in enumerate(clean(120))]


def test_a_column_of_text_that_is_not_read_is_reported_with_its_amount():
    found = finding(beside(remark=lambda n: f"A remark of five words {n}."), "unused-columns")
    assert found.severity == "warning" and 'Not used: "remark" (text, about 26 characters a row)' in found.message
    assert "Format and columns" in found.message


def test_lists_and_objects_are_reported_too():
    rows = beside(steps=lambda n: [f"Do this, then do that {n}."], facts=lambda n: {"place": f"In the town of {n}."})
    assert '"steps" (lists, ' in finding(rows, "unused-columns").message
    assert '"facts" (objects, ' in finding(rows, "unused-columns").message


def test_numbers_dates_ids_links_and_repetitions_are_not():
    rows = beside(
        id=lambda n: f"row-{n}", at=lambda n: "2024-05-01", url=lambda n: f"https://a.org/{n}", tokens=lambda n: n
    )
    rows = [{**row, "text": f"{row['prompt']} {row['completion']}"} for row in rows]
    assert finding(rows, "unused-columns") is None and finding(rows, "unused-ratings") is None


def test_a_rating_beside_answers_is_reported():
    found = finding(beside(score=lambda n: n % 5), "unused-ratings")
    assert found.severity == "warning" and "data.threshold" in found.message
    assert finding(clean(120), "unused-ratings") is None

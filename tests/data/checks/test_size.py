import pytest

from tests.rows import clean, finding


@pytest.mark.parametrize("count, severity", [(1, "problem"), (9, "problem"), (10, "warning"), (99, "warning")])
def test_too_few_rows_are_reported(count, severity):
    found = finding(clean(count), "size")
    assert found.severity == severity and f"Only {count} row" in found.message
    assert ("Prefer few-shot prompting" in found.message) == (severity == "warning")


def test_a_hundred_rows_are_not_too_few():
    assert finding(clean(100), "size") is None

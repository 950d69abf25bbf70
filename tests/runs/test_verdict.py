import pytest

from finetune.runs.verdict import TITLES, Diagnosis, number


def test_a_diagnosis_has_the_title_of_its_code():
    assert all(Diagnosis(code, "words").title == title for code, title in TITLES.items())


@pytest.mark.parametrize(
    "value, words", [(0.01234, "0.012"), (0.5, "0.500"), (12.345, "12.35"), (1234.5, "1,234"), (0, "0"), (-3, "-3.000")]
)
def test_a_number_has_the_figures_that_say_something(value, words):
    assert number(value) == words

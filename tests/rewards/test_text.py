import pytest

from finetune.rewards.reward import Answered
from finetune.rewards.text import TextEquals


@pytest.mark.parametrize(
    ("settings", "answer", "expected", "earns"),
    [
        ({}, " Paris \n", "paris", 1),
        ({}, "It is Paris", "Paris", 0),
        ({"match": "contains"}, "It is PARIS.", "Paris", 1),
        ({"match": "contains", "ignore_case": False}, "It is PARIS.", "Paris", 0),
        ({"value": "Yes"}, "yes", "No", 1),
        ({}, "yes", None, None),
    ],
)
def test_the_expected_text(settings, answer, expected, earns):
    assert TextEquals(**settings).score(Answered(answer, expected=expected)) == earns


def test_a_text_for_all_rows_needs_none_of_their_own():
    assert TextEquals().needs_expected and not TextEquals(value="Yes").needs_expected

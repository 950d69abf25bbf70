import pytest

from finetune.evaluation.metrics import METRICS, Asked, Given
from finetune.evaluation.metrics.label import labels

LABEL = METRICS["label"]


def asked(*expected):
    return [Asked(({"role": "user", "content": "?"},), each) for each in expected]


def test_a_few_short_answers_that_repeat_are_labels():
    rows = asked(*["positive", "negative", "Neutral"] * 4)
    assert LABEL.fits(rows, None) == "the expected answers are 3 labels"
    assert labels(["b", "a", "a", "a", "b", "B."]) == ["a", "b"] or labels(["b", "a", "a", "a", "b", "B."]) == [
        "b",
        "a",
    ]


@pytest.mark.parametrize(
    "expected",
    [
        [f"answer {n}" for n in range(30)],
        ["same"] * 30,
        ["a long answer of more than six words here", "b"] * 10,
        ["yes", "no"],
        ["", "yes", "no"] * 5,
        [],
    ],
)
def test_other_answers_are_no_labels(expected):
    assert LABEL.fits(asked(*expected), None) == ""


def test_marks_and_case_do_not_count_and_a_sentence_is_no_label():
    (row,) = asked("Positive")
    assert LABEL.value(row, Given(" “positive.”")) == 1
    assert LABEL.value(row, Given("It is positive.")) == 0

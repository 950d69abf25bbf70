import pytest

from finetune.evaluation.examples import LONGEST, examples, kind
from finetune.evaluation.scores import Answered, Row
from tests.evaluation.test_scores import score


def row(number, base, tuned, part="asked", text="x"):
    given = [
        Answered(text=text, tokens=1, values={} if value is None else {"exact_match": value}) for value in (base, tuned)
    ]
    return Row(part=part, row=number, question=f"question {number}", expected="e", base=given[0], tuned=given[1])


@pytest.mark.parametrize(
    ("base", "tuned", "better", "found"),
    [
        (0, 1, "higher", "better"),
        (1, 0, "higher", "worse"),
        (0, 0, "higher", "wrong"),
        (1, 1, "higher", "alike"),
        (2.0, 1.0, "lower", "better"),
        (0.0, 0.0, "lower", "alike"),
        (0, 1, "", "alike"),
        (None, 1, "higher", "alike"),
    ],
)
def test_the_main_metric_says_what_an_example_is(base, tuned, better, found):
    assert kind(row(0, base, tuned), score(better=better)) == found


def test_two_of_five_are_failures_and_losses_come_before_wrong_answers():
    rows = [row(0, 0, 0), *(row(n, 0, 1) for n in range(1, 6)), row(6, 1, 0)]
    found = examples(rows, score())
    assert [(each.kind, each.row) for each in found.shown] == [
        ("better", 2), ("better", 3), ("better", 4), ("worse", 7), ("wrong", 1)
    ]  # fmt: skip
    assert "2 failures were found among 7 evaluated rows; the 2 clearest are shown" in found.note


def test_the_clearest_failures_are_shown_not_the_mildest():
    rows = [row(0, 0.9, 0.8), row(1, 0.9, 0.1), row(2, 0.9, 0.5), *(row(n, 0, 1) for n in range(3, 9))]
    assert [each.row for each in examples(rows, score()).shown] == [4, 5, 6, 2, 3]


def test_that_there_is_no_failure_is_said_with_the_number_of_rows():
    found = examples([row(n, 0, 1) for n in range(9)], score())
    assert len(found.shown) == 5 and "No failure was found among 9 evaluated rows." in found.note


def test_one_failure_is_one():
    found = examples([row(0, 1, 0), row(1, 0, 1)], score())
    assert [each.kind for each in found.shown] == ["better", "worse"] and "One failure was found" in found.note


def test_where_all_fails_all_that_is_shown_are_failures():
    found = examples([row(n, 0, 0) for n in range(9)], score())
    assert [each.kind for each in found.shown] == ["wrong"] * 5 and "9 failures" in found.note


def test_only_rows_that_the_evaluation_is_about_are_shown_and_long_texts_are_shortened():
    found = examples([row(0, 0, 1, part="general"), row(1, 0, 1, text="y" * 2000)], score())
    assert [each.row for each in found.shown] == [2] and len(found.shown[0].tuned) == LONGEST + 2
    assert examples([], score()).shown == () and examples([], score()).note == ""


def test_rows_that_ask_nothing_are_no_examples():
    texts = [row(n, 3.0, 1.0).model_copy(update={"question": ""}) for n in range(9)]
    assert examples(texts, score(better="lower")).shown == ()

import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.multiple_choice import MultipleChoice
from finetune.data.formats.turns import exchange

ASKED = "Which floats?\n\nA. Iron\nB. Wood"


@pytest.mark.parametrize(
    "choices, answer, learned",
    [
        (["Iron", "Wood"], 1, "B"),
        (["Iron", "Wood"], "1", "B"),
        (["Iron", "Wood"], "b", "B"),
        (["Iron", "Wood"], "(B)", "B"),
        (["Iron", "Wood"], "Wood", "Wood"),
        ('["Iron", "Wood"]', "B", "B"),
        ("Iron | Wood", "B", "B"),
        ("Iron\nWood\n", "B", "B"),
        ({"text": ["Iron", "Wood"], "label": ["A", "B"]}, "B", "B"),
        ({"A": "Iron", "B": "Wood"}, "B", "B"),
        ([{"text": "Iron"}, {"text": "Wood"}], 1, "B"),
    ],
)
def test_the_choices_stand_below_the_question(choices, answer, learned):
    row = {"question": "Which floats?", "choices": choices, "answer": answer}
    seen = MultipleChoice().recognize(tuple(row), [row])
    assert MultipleChoice().example(row, seen.columns) == exchange(ASKED, learned)


@pytest.mark.parametrize(
    "names", [("option_a", "option_b"), ("opa", "opb"), ("choice1", "choice2"), ("Option 1", "Option 2")]
)
def test_each_choice_may_be_a_column(names):
    row = {"question": "Which floats?", **dict(zip(names, ("Iron", "Wood"))), "answer": "B"}
    seen = MultipleChoice().recognize(tuple(row), [row])
    assert MultipleChoice().example(row, seen.columns) == exchange(ASKED, "B")
    assert MultipleChoice().recognize(("question", "a", "answer"), [{"question": "q", "a": "x", "answer": "y"}]) is None


def test_the_context_stands_between():
    row = {"question": "Which floats?", "context": "Wood is light.", "options": ["Iron", "Wood"], "answerKey": "B"}
    seen = MultipleChoice().recognize(tuple(row), [row])
    asked = MultipleChoice().example(row, seen.columns)["messages"][0]["content"]
    assert asked == "Which floats?\n\nWood is light.\n\nA. Iron\nB. Wood"


@pytest.mark.parametrize(
    "choices, answer, reason",
    [
        (["Iron"], 0, "not the texts of several choices"),
        ("Iron, Wood", 0, "not the texts of several choices"),
        (["Iron", "Wood"], 7, 'holds "7", which is none of the 2 choices'),
        (["Iron", "Wood"], None, "none of the 2 choices"),
    ],
)
def test_a_row_without_a_right_choice_is_refused(choices, answer, reason):
    columns = {"question": "question", "choices": "choices", "answer": "answer"}
    with pytest.raises(RowError, match=reason):
        MultipleChoice().example({"question": "Which?", "choices": choices, "answer": answer}, columns)

import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.reasoning import Reasoning
from finetune.data.formats.turns import exchange


@pytest.mark.parametrize(
    "names",
    [("Question", "Complex_CoT", "Response"), ("prompt", "thinking", "output"), ("instruction", "cot", "output")],
)
def test_the_reasoning_comes_before_the_answer(names):
    row = dict(zip(names, ("2+2?", "Two and two.", "4")))
    found = Reasoning().recognize(names, [row])
    assert found.score == 1.0
    assert Reasoning().example(row, found.columns, "s") == exchange("2+2?", "<think>\nTwo and two.\n</think>\n\n4", "s")


def test_a_row_without_reasoning_is_its_answer_and_one_without_an_answer_is_refused():
    columns = {"question": "q", "reasoning": "r", "answer": "a"}
    assert Reasoning().example({"q": "2+2?", "r": "", "a": "4"}, columns) == exchange("2+2?", "4")
    with pytest.raises(RowError, match='Column "a" is empty'):
        Reasoning().example({"q": "2+2?", "r": "Two.", "a": ""}, columns)


def test_the_context_of_a_question_is_appended():
    row = {"instruction": "Add.", "input": "2 2", "cot": "Two and two.", "output": "4"}
    found = Reasoning().recognize(tuple(row), [row])
    assert Reasoning().example(row, found.columns)["messages"][0]["content"] == "Add.\n\n2 2"
    alone = {"input": "2+2?", "cot": "Two and two.", "output": "4"}
    found = Reasoning().recognize(tuple(alone), [alone])
    assert Reasoning().example(alone, found.columns)["messages"][0]["content"] == "2+2?"

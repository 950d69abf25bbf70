import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.prompts import Prompts


@pytest.mark.parametrize("value", ["Who?", ["Who?", "And why?"]])
def test_a_question_or_the_first_turn_is_the_prompt(value):
    row = {"turns": value}
    found = Prompts().recognize(("turns",), [row])
    assert Prompts().example(row, found.columns) == {"prompt": [{"role": "user", "content": "Who?"}]}


def test_the_expected_result_goes_with_the_prompt():
    row = {"problem": "2+2?", "ground_truth": 4}
    found = Prompts().recognize(tuple(row), [row])
    assert Prompts().example(row, found.columns, "s") == {
        "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "2+2?"}],
        "answer": "4",
    }


def test_a_conversation_up_to_the_answer_is_a_prompt():
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    assert Prompts().example({"prompt": turns}, {"prompt": "prompt"}) == {"prompt": turns}
    with pytest.raises(RowError, match="does not end with the user"):
        Prompts().example({"prompt": turns[:2]}, {"prompt": "prompt"})


def test_a_question_that_looks_like_a_list_stays_as_written():
    row = {"prompt": '["sort", "this"]'}
    assert Prompts().example(row, {"prompt": "prompt"})["prompt"][0]["content"] == row["prompt"]


@pytest.mark.parametrize("value", [None, "", [], [1], ["Who?", ""]])
def test_no_question_is_refused(value):
    with pytest.raises(RowError):
        Prompts().example({"turns": value}, {"prompt": "turns"})

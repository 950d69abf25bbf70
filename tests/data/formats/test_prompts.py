import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.prompts import Prompts


@pytest.mark.parametrize("value", ["Who?", ["Who?", "And why?"]])
def test_a_question_or_the_first_turn_is_the_prompt(value):
    row = {"turns": value}
    found = Prompts().recognise(("turns",), [row])
    assert Prompts().example(row, found.columns) == {"prompt": [{"role": "user", "content": "Who?"}]}


@pytest.mark.parametrize("value", [None, "", [], [1], ["Who?", ""]])
def test_no_question_is_refused(value):
    with pytest.raises(RowError):
        Prompts().example({"turns": value}, {"prompt": "turns"})

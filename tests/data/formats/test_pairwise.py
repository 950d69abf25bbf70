import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.pairwise import Pairwise

USER = {"role": "user", "content": "q"}
A, B = ({"role": "assistant", "content": text} for text in ("first", "second"))
SPELLINGS = {
    "Arena": ({"response_a": "first", "response_b": "second"}, {"winner": "model_b"}),
    "letters": ({"answer_a": "first", "answer_b": "second"}, {"better": "B"}),
    "numbers from zero": ({"response_0": "first", "response_1": "second"}, {"better_response_id": 1}),
    "numbers from one": ({"response_1": "first", "response_2": "second"}, {"preference": 2}),
    "numbers as text": ({"output_1": "first", "output_2": "second"}, {"preferred": "Output 2"}),
    "sides": ({"response_a": "first", "response_b": "second"}, {"choice": "right"}),
    "names of columns": ({"response1": "first", "response2": "second"}, {"preference": "response2"}),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_each_spelling_gives_the_same_pair(spelling):
    answers, winner = SPELLINGS[spelling]
    row = {"prompt": "q", **answers, **winner}
    found = Pairwise().recognize(tuple(row), [row])
    assert found is not None and found.score == 1.0, found
    assert Pairwise().example(row, found.columns) == {"prompt": [USER], "chosen": [B], "rejected": [A]}


def test_the_prompt_may_be_the_beginning_of_both():
    row = {"conversation_a": [USER, A], "conversation_b": [USER, B], "winner": "model_a"}
    found = Pairwise().recognize(tuple(row), [row])
    assert Pairwise().example(row, found.columns, "s") == {
        "prompt": [{"role": "system", "content": "s"}, USER], "chosen": [A], "rejected": [B],
    }  # fmt: skip


@pytest.mark.parametrize(
    "winner, reason",
    [
        ("tie", 'Column "winner" holds "tie": neither answer is better.'),
        ("tie (bothbad)", "neither answer is better"),
        (None, 'Column "winner" is empty'),
        ("model_c", 'holds "model_c", which names neither "response_a" nor "response_b"'),
        (1, 'holds "1", which names neither'),
    ],
)
def test_a_row_without_a_winner_is_refused(winner, reason):
    row = {"prompt": "q", "response_a": "first", "response_b": "second", "winner": winner}
    columns = {"prompt": "prompt", "first": "response_a", "second": "response_b", "winner": "winner"}
    with pytest.raises(RowError) as error:
        Pairwise().example(row, columns)
    assert reason in str(error.value)

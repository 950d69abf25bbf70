import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.prompt_completion import PromptCompletion
from finetune.data.formats.turns import exchange


@pytest.mark.parametrize(
    "prompt, completion",
    [
        ("prompt", "completion"),
        ("Prompt", "Response"),
        ("input", "output"),
        ("instruction", "response"),
        ("user", "reply"),
    ],
)
def test_the_usual_names_are_known(prompt, completion):
    row = {"id": 1, prompt: "q", completion: "a"}
    found = PromptCompletion().recognize(tuple(row), [row])
    assert found.columns == {"prompt": prompt, "completion": completion}
    assert PromptCompletion().example(row, found.columns, "s") == exchange("q", "a", "s")


def test_an_empty_completion_is_refused():
    with pytest.raises(RowError, match='Column "completion" is empty'):
        PromptCompletion().example({"prompt": "q", "completion": " "}, {"prompt": "prompt", "completion": "completion"})


def test_turns_are_read_in_both_columns_and_only_the_completion_is_trained():
    user, answer = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
    row = {"prompt": [user, answer, user], "completion": [answer]}
    assert PromptCompletion().example(row, {name: name for name in row}) == {
        "messages": [user, {**answer, "weight": 0}, user, answer]
    }


ODD = {"x": "Why is the sky blue?", "y": "Because air scatters blue light more than red.", "n": "7"}


def test_questions_and_longer_texts_have_low_confidence_under_any_name():
    found = PromptCompletion().recognize(tuple(ODD), [ODD])
    assert found.columns == {"prompt": "x", "completion": "y"} and found.score == 0.4
    assert found.reason.endswith("Only their content suggests so, not their names: please check it.")


@pytest.mark.parametrize(
    "row", [{**ODD, "x": "The sky."}, {**ODD, "y": "Air it is."}, {**ODD, "z": "More text here."}, {"x": ODD["x"]}]
)
def test_ambiguous_columns_are_not_guessed(row):
    assert PromptCompletion().recognize(tuple(row), [row]) is None

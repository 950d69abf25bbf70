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
    found = PromptCompletion().recognise(tuple(row), [row])
    assert found.columns == {"prompt": prompt, "completion": completion}
    assert PromptCompletion().example(row, found.columns, "s") == exchange("q", "a", "s")


def test_an_empty_completion_is_refused():
    with pytest.raises(RowError, match='Column "completion" is empty'):
        PromptCompletion().example({"prompt": "q", "completion": " "}, {"prompt": "prompt", "completion": "completion"})

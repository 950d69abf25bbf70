import pytest

from finetune.data.formats.summarization import Summarization
from finetune.data.formats.turns import exchange

LONG, SHORT = "The sea is blue and very, very wide today.", "The sea is wide."


@pytest.mark.parametrize(
    "text, target, instruction",
    [
        ("article", "highlights", "Summarize the text."),
        ("document", "Summary", "Summarize the text."),
        ("dialogue", "summary", "Summarize the dialogue."),
        ("text", "headline", "Write a headline for the text."),
        ("article", "abstract", "Write an abstract of the text."),
    ],
)
def test_the_instruction_suits_the_names(text, target, instruction):
    row = {text: LONG, target: SHORT}
    found = Summarization().recognize(tuple(row), [row])
    assert Summarization().example(row, found.columns) == exchange(f"{instruction}\n\n{LONG}", SHORT)
    assert instruction in found.notes[0]


def test_a_longer_text_is_no_summary():
    row = {"content": SHORT, "summary": LONG}
    found = Summarization().recognize(tuple(row), [row])
    assert "instruction" not in found.columns
    assert Summarization().example(row, found.columns) == exchange(SHORT, LONG)

import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.text_to_text import TextToText, mean_length, named
from finetune.data.formats.turns import exchange

ROW = {"text": "teh sea", "target": "the sea"}


def test_the_text_alone_is_the_question_without_an_instruction():
    found = TextToText().recognize(tuple(ROW), [ROW])
    assert found.columns == {"text": "text", "target": "target"} and not found.notes
    assert TextToText().example(ROW, found.columns, "s") == exchange("teh sea", "the sea", "s")


@pytest.mark.parametrize("given", ["Correct the spelling.", "instruction"])
def test_an_instruction_is_a_column_or_the_same_for_each_row(given):
    row = {**ROW, "instruction": "Correct the spelling."}
    found = TextToText().recognize(tuple(row), [row], {"instruction": given})
    assert TextToText().example(row, found.columns) == exchange("Correct the spelling.\n\nteh sea", "the sea")
    assert bool(found.notes) == (given != "instruction")


def test_a_text_without_a_target_is_refused():
    with pytest.raises(RowError, match='Column "target" is empty'):
        TextToText().example({"text": "teh"}, {"text": "text", "target": "target"})


def test_lengths_and_names():
    assert mean_length([{"a": "abcd"}, {"a": ["ab"]}, {}], "a") == 3
    assert named({"text": "My Text"}, "text") == "my_text" and named({}, "text") == ""

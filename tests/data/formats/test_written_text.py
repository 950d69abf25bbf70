import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.turns import exchange
from finetune.data.formats.written_text import WrittenText

WRITTEN = {
    "Llama 2": "<s>[INST] Where? [/INST] Here. </s>",
    "ChatML": "<|im_start|>user\nWhere?<|im_end|>\n<|im_start|>assistant\nHere.<|im_end|>\n",
    "Guanaco": "### Human: Where?### Assistant: Here.",
    "Vicuna": "USER: Where? ASSISTANT: Here.</s>",
    "Gemma": "<bos><start_of_turn>user\nWhere?<end_of_turn>\n<start_of_turn>model\nHere.<end_of_turn>\n",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_text_that_is_written_out_is_read_as_its_turns(name):
    row = {"id": 1, "text": WRITTEN[name]}
    found = WrittenText().recognize(tuple(row), [row])
    assert found.score == 1.0 and "the model's own chat template" in found.notes[0]
    assert WrittenText().example(row, found.columns, "s") == exchange("Where?", "Here.", "s")


def test_prose_that_quotes_a_conversation_now_and_then_is_prose():
    rows = [{"text": WRITTEN["Llama 2"]}, *[{"text": "The sea is wide and blue."}] * 3]
    assert WrittenText().recognize(("text",), rows) is None


def test_a_row_without_turns_is_refused():
    with pytest.raises(RowError, match="does not write out a conversation"):
        WrittenText().example({"text": "The sea."}, {"text": "text"})

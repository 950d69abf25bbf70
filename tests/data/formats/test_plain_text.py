import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.plain_text import PlainText


def test_a_text_column_is_taken_among_others():
    found = PlainText().recognize(("id", "Text"), [{"id": 1, "Text": "a"}])
    assert found.columns == {"text": "Text"} and found.score == 1.0


def test_an_only_column_is_taken_unless_its_name_says_that_it_holds_questions():
    found = PlainText().recognize(("tale",), [{"tale": "a"}, {"tale": "b"}])
    assert found.columns == {"text": "tale"}
    assert PlainText().recognize(("tale", "other"), [{"tale": "a"}]) is None
    assert PlainText().recognize(("question",), [{"question": "a"}]) is None


def test_text_stays_as_written_and_empty_text_is_refused():
    assert PlainText().example({"text": " a\n"}, {"text": "text"}, "s") == {"text": " a\n"}
    with pytest.raises(RowError):
        PlainText().example({"text": ""}, {"text": "text"})


def test_tokens_at_the_ends_of_a_text_are_taken_off_and_others_stay():
    rows = [{"text": "<s> The sea. </s>"}, {"text": "The <s>sea</s> is wide."}]
    found = PlainText().recognize(("text",), rows)
    assert "the tokenizer adds its own" in found.notes[0]
    assert [PlainText().example(row, found.columns)["text"] for row in rows] == ["The sea.", rows[1]["text"]]
    assert PlainText().example({"text": "<|endoftext|>"}, found.columns) == {"text": "<|endoftext|>"}
    assert not PlainText().recognize(("text",), rows[1:]).notes

import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.plain_text import PlainText


def test_a_text_column_is_taken_among_others():
    found = PlainText().recognise(("id", "Text"), [{"id": 1, "Text": "a"}])
    assert found.columns == {"text": "Text"} and found.score == 0.6


def test_an_only_column_is_taken_whatever_its_name_but_less_surely():
    found = PlainText().recognise(("tale",), [{"tale": "a"}, {"tale": "b"}])
    assert found.columns == {"text": "tale"} and found.score == 0.4
    assert PlainText().recognise(("tale", "other"), [{"tale": "a"}]) is None


def test_text_stays_as_written_and_empty_text_is_refused():
    assert PlainText().example({"text": " a\n"}, {"text": "text"}, "s") == {"text": " a\n"}
    with pytest.raises(RowError):
        PlainText().example({"text": ""}, {"text": "text"})

import pytest

from finetune.data.formats.answer import answer
from finetune.data.formats.format import RowError


@pytest.mark.parametrize(
    "column, value, text",
    [
        ("answer", "Here.", "Here."),
        ("answer", 7, "7"),
        ("answer", True, "yes"),
        ("answer", False, "no"),
        ("answer", ["Here."], "Here."),
        ("answer", ["a", "b"], '["a", "b"]'),
        ("answer", {"item": "Brot", "count": 2}, '{"item": "Brot", "count": 2}'),
        ("answer", {"value": "Here.", "aliases": ["There."]}, "Here."),
        ("answer", '{"item": "Brot"}', '{"item": "Brot"}'),
        ("answers", ["Here.", "There."], "Here."),
        ("answers", {"text": ["Here.", "There."], "answer_start": [1, 2]}, "Here."),
        ("answers", [{"text": "Here."}, {"text": "There."}], "Here."),
        ("Answers", '["Here.", "There."]', "Here."),
    ],
)
def test_an_answer_is_a_text_whatever_it_is_stored_as(column, value, text):
    assert answer({column: value}, column) == text


@pytest.mark.parametrize("value", [None, "", {"text": []}, [], [""], {}])
def test_no_answer_is_a_reason(value):
    with pytest.raises(RowError, match='Column "answers"'):
        answer({"answers": value}, "answers")

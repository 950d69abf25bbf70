import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.question_answer import QuestionAnswer
from finetune.data.formats.turns import exchange


def test_questions_and_answers_are_read_as_written():
    row = {"question": "1+1?", "answer": "1+1 = <<1+1=2>>2\n#### 2"}
    found = QuestionAnswer().recognise(tuple(row), [row])
    assert found.score == 1.0
    assert QuestionAnswer().example(row, found.columns) == exchange("1+1?", "1+1 = <<1+1=2>>2\n#### 2")


def test_an_answer_that_is_a_number_is_its_text():
    assert QuestionAnswer().example({"q": "1+1?", "a": 2}, {"question": "q", "answer": "a"}) == exchange("1+1?", "2")


def test_a_missing_question_is_refused():
    with pytest.raises(RowError, match='Column "q" is empty'):
        QuestionAnswer().example({"a": "2"}, {"question": "q", "answer": "a"})

import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.question_answer import QuestionAnswer, result_of
from finetune.data.formats.turns import exchange


def test_questions_and_answers_are_read_as_written():
    row = {"question": "1+1?", "answer": "1+1 = <<1+1=2>>2\n#### 2"}
    found = QuestionAnswer().recognize(tuple(row), [row])
    assert found.score == 1.0
    assert QuestionAnswer().example(row, found.columns) == {
        **exchange("1+1?", "1+1 = <<1+1=2>>2\n#### 2"),
        "answer": "2",
    }


@pytest.mark.parametrize(
    "answer, result",
    [
        ("steps\n#### 1,234", "1234"),
        ("steps\n#### -3.5\n", "-3.5"),
        ("steps\n#### $18", "18"),
        ("#### 5 apples", None),
        ("#### 5\nor more", None),
        ("5", None),
    ],
)
def test_only_a_number_after_four_hashes_at_the_end_can_be_checked(answer, result):
    assert result_of(answer) == result
    example = QuestionAnswer().example({"q": "?", "a": answer}, {"question": "q", "answer": "a"})
    assert example.get("answer") == result and example["messages"][1]["content"] == answer


def test_an_answer_that_is_a_number_is_its_text():
    assert QuestionAnswer().example({"q": "1+1?", "a": 2}, {"question": "q", "answer": "a"}) == exchange("1+1?", "2")


def test_a_missing_question_is_refused():
    with pytest.raises(RowError, match='Column "q" is empty'):
        QuestionAnswer().example({"a": "2"}, {"question": "q", "answer": "a"})


def test_the_context_of_a_question_is_appended():
    row = {"question": "Who runs?", "context": "Ann runs.", "answer": "Ann."}
    found = QuestionAnswer().recognize(tuple(row), [row])
    assert QuestionAnswer().example(row, found.columns) == exchange("Who runs?\n\nAnn runs.", "Ann.")
    listed = {**row, "context": [{"title": "Ann", "text": "Ann runs."}, {"title": "Bob", "text": "Bob sits."}]}
    found = QuestionAnswer().recognize(tuple(listed), [listed])
    assert QuestionAnswer().example(listed, found.columns) == exchange(
        "Who runs?\n\nAnn\nAnn runs.\n\nBob\nBob sits.", "Ann."
    )


def test_question_and_answer_are_recognized_by_their_lengths():
    rows = [{"id": "7", "letter": f"My lamp number {n} is dark.", "reply": "Plug it in."} for n in range(5)]
    seen = QuestionAnswer().recognize(("id", "letter", "reply"), rows)
    assert seen.columns == {"answer": "reply", "question": "letter"} and seen.score < 0.5
    assert "please check it" in seen.reason
    assert QuestionAnswer().recognize(("id", "letter"), rows) is None

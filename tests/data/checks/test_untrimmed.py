import pytest

from tests.rows import clean, finding


@pytest.mark.parametrize("answer", [" They eat bread.", "\nThey eat bread.", "\u3000They eat bread."])
def test_answers_that_begin_with_white_space_are_reported_with_their_rows(answer):
    rows = clean(120)
    rows[6] = {**rows[6], "completion": answer}
    found = finding(rows, "untrimmed")
    assert found.severity == "warning" and found.rows == (7,)
    assert found.message.startswith("1 row has an answer that begins with white space.")


def test_white_space_within_an_answer_or_in_a_question_is_none_of_it():
    rows = clean(120)
    rows[6] = {"prompt": " What?", "completion": "They:\n\n    eat"}
    assert finding(rows, "untrimmed") is None

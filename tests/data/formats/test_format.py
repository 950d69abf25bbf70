import datetime

import pytest

from finetune.data.formats import FORMATS
from finetune.data.formats.format import Recognition, RowError, instruction, kind_of, optional_text, plain, text


def test_every_format_says_what_a_form_needs():
    assert list(FORMATS) == [
        "preference", "chat", "sharegpt", "alpaca", "question_answer", "prompt_completion", "text", "prompts",
    ]  # fmt: skip
    for name, form in FORMATS.items():
        assert form.name == name and form.title and form.holds
        assert form.kind in ("chat", "preference", "text", "prompt")
        assert all(part.help.endswith(".") for part in form.parts)
        assert any(part.required for part in form.parts)


@pytest.mark.parametrize(
    "name, expected", [(" Prompt ", "prompt"), ("System-Prompt", "system_prompt"), ("_A b_", "a_b")]
)
def test_names_are_compared_without_case_and_marks(name, expected):
    assert plain(name) == expected


def test_text_is_as_written():
    assert text({"a": "  007 "}, "a") == "  007 "
    assert text({"a": 42}, "a") == "42"
    assert text({"a": 0.5}, "a") == "0.5"


@pytest.mark.parametrize(
    "value, reason",
    [
        (None, 'Column "a" is empty.'),
        (" \n", 'Column "a" is empty.'),
        (["x"], 'Column "a" holds a list, not text.'),
        ({"x": 1}, 'Column "a" holds an object, not text.'),
        (True, 'Column "a" holds true or false, not text.'),
        (float("nan"), 'Column "a" holds no number, not text.'),
        (b"x", 'Column "a" holds binary data, not text.'),
        (datetime.date(2026, 1, 1), 'Column "a" holds a date, not text.'),
    ],
)
def test_what_is_no_text_is_told(value, reason):
    with pytest.raises(RowError) as error:
        text({"a": value}, "a")
    assert str(error.value) == reason


def test_a_column_that_is_not_there_is_empty():
    assert optional_text({}, "a") == optional_text({}, None) == ""
    with pytest.raises(RowError):
        text({}, "a")
    assert kind_of(()) == "a list"


def test_a_rows_own_instruction_comes_first():
    columns = {"system": "s"}
    assert instruction({"s": "Be brief."}, columns, "Be kind.") == "Be brief."
    assert instruction({"s": " "}, columns, "Be kind.") == "Be kind."
    assert instruction({}, {}, None) is None


def test_recognition_counts_the_rows_that_serve():
    rows = [{"Question": "a", "Answer": "b"}, {"Question": "c", "Answer": ""}]
    assert FORMATS["question_answer"].recognise(("Question", "Answer"), rows) == Recognition(
        0.5,
        'The columns "Question" and "Answer" hold questions and their answers in 1 of 2 rows looked at.',
        {"question": "Question", "answer": "Answer"},
    )
    assert FORMATS["question_answer"].recognise(("Question", "Answer"), rows[1:]).score == 0
    assert FORMATS["question_answer"].recognise(("Question",), rows) is None


def test_what_a_person_maps_is_not_used_twice():
    found = FORMATS["prompt_completion"].find(("response", "output"), [], {"prompt": "response"})
    assert found == {"prompt": "response", "completion": "output"}

import datetime
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.data.formats import FORMATS
from finetune.data.formats.format import (
    Recognition,
    RowError,
    cell,
    kind_of,
    number_in,
    optional_text,
    plain,
    system_prompt,
    text,
)
from finetune.data.formats.mapping import Template
from finetune.data.formats.turns import with_system
from finetune.errors import DataError
from tests.data.test_texts import is_prose_of


def test_every_format_says_what_a_form_needs():
    assert list(FORMATS) == [
        "openai_preference", "preference", "pairwise", "ranked", "rated", "chat", "completion_log", "segments",
        "sharegpt",
        "message_tree", "conversation", "reasoning", "alpaca", "function_calls", "multiple_choice", "question_answer",
        "prompt_completion", "translation", "written_text", "summarization", "classification", "text_to_text", "text",
        "prompts",
    ]  # fmt: skip
    for name, form in FORMATS.items():
        assert form.name == name and form.title and form.holds
        assert form.kind in ("chat", "preference", "rated", "prompt", "text")
        assert all(part.help.endswith(".") for part in form.fields)
        assert any(part.required for part in form.fields)


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
def test_a_value_that_is_not_text_is_reported(value, reason):
    with pytest.raises(RowError) as error:
        text({"a": value}, "a")
    assert str(error.value) == reason


def test_a_column_that_is_not_there_is_empty():
    assert optional_text({}, "a") == optional_text({}, None) == ""
    with pytest.raises(RowError):
        text({}, "a")
    assert kind_of(()) == "a list"


def test_a_rows_own_system_prompt_comes_first():
    columns = {"system": "s"}
    assert system_prompt({"s": "Be brief."}, columns, "Be kind.") == "Be brief."
    assert system_prompt({"s": " "}, columns, "Be kind.") == "Be kind."
    assert system_prompt({}, {}, None) is None


def test_recognition_counts_the_rows_that_fit():
    rows = [{"Question": "a", "Answer": "b"}, {"Question": "c", "Answer": ""}]
    assert FORMATS["question_answer"].recognize(("Question", "Answer"), rows) == Recognition(
        0.5,
        'The columns "Question" and "Answer" hold questions and their answers in 1 of 2 sampled rows.',
        {"question": "Question", "answer": "Answer"},
        problem='Column "Answer" is empty.',
    )
    assert FORMATS["question_answer"].recognize(("Question", "Answer"), rows[1:]).score == 0
    assert FORMATS["question_answer"].recognize(("Question",), rows) is None


def test_a_mapped_column_is_not_used_twice():
    found = FORMATS["prompt_completion"].find(("response", "output"), [], {"prompt": "response"})
    assert found == {"prompt": "response", "completion": "output"}


def test_columns_can_be_put_together():
    mapped = {"prompt": "{subject}: {body}", "completion": "reply"}
    row = {"subject": "Lamp", "body": "It is dark.", "reply": "Plug it in."}
    found = FORMATS["prompt_completion"].recognize(tuple(row), [row], mapped)
    assert found.score == 1.0 and found.columns == mapped
    messages = FORMATS["prompt_completion"].example(row, found.columns)["messages"]
    assert [turn["content"] for turn in messages] == ["Lamp: It is dark.", "Plug it in."]


def test_combined_columns_may_be_partly_but_not_all_empty():
    template = Template("{subject}: {body}")
    assert text({"subject": "Lamp", "body": None}, template) == "Lamp: "
    assert cell({"subject": 1, "body": "b"}, template) == "1: b"
    with pytest.raises(RowError, match='The columns "subject" and "body" are all empty'.replace(" and ", ", ")):
        text({"subject": " "}, template)
    with pytest.raises(RowError, match='Column "subject" is empty'):
        text({"subject": " "}, Template("About {subject}"))
    with pytest.raises(RowError, match='Column "body" holds a list'):
        text({"subject": "Lamp", "body": []}, template)


def test_a_column_of_a_template_fills_no_other_field():
    found = FORMATS["prompt_completion"].find(("input", "output", "reply"), [], {"prompt": "{input} {output}"})
    assert found == {"prompt": "{input} {output}", "completion": "reply"}


def test_an_unknown_column_or_meaning_is_an_error():
    with pytest.raises(DataError, match='no column "topic" for the field "prompt"'):
        FORMATS["prompt_completion"].recognize(("a", "b"), [{"a": "x"}], {"prompt": "{topic}"})
    with pytest.raises(DataError, match='"agent" cannot be "helper"'):
        FORMATS["chat"].recognize(("messages",), [{"messages": []}], roles={"agent": "helper"})


def test_every_format_takes_roles_where_it_takes_a_row():
    for form in FORMATS.values():
        columns = {part.name: part.name for part in form.fields}
        with pytest.raises(RowError):
            form.examples({}, columns, None, roles={"agent": "assistant"})


NAMES = sorted({name for form in FORMATS.values() for part in form.fields for name in part.names})
KEYS = ("role", "content", "from", "value", "weight", "tool_calls", "function", "name", "arguments", "messages", "text")
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "user", "gpt", "tool", "[{}]"])
values = st.recursive(
    leaves | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=4), min_size=1, max_size=3))
def test_whatever_a_row_holds_it_gives_examples_or_a_reason(rows):
    names = tuple({name for row in rows for name in row})
    for form in FORMATS.values():
        found = form.recognize(names, rows, roles={"Ann": "user"})
        for row in rows if found else ():
            try:
                assert form.examples(row, found.columns, "s", {"Ann": "user"})
            except RowError as error:
                assert str(error).endswith(".") or "e.g." in str(error)


PLAIN = {
    "alpaca": ("instruction", "output"), "question_answer": ("question", "answer"),
    "prompt_completion": ("prompt", "completion"), "text": ("text",),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=150, deadline=None)
@given(data=st.data(), system=st.sampled_from([None, " ", "Be kind."]))
def test_plain_is_what_prose_gives(name, data, system):
    prose = st.text(min_size=1, max_size=9).filter(is_prose_of)
    columns = {part: f"column {part}" for part in PLAIN[name]}
    row = {column: data.draw(prose | st.just("It is 42.\\n#### 42")) for column in columns.values()} | {"id": 1}
    form, found = FORMATS[name], FORMATS[name].plain(columns, system)
    examples = form.examples(row, columns, system)
    if name == "text":
        assert found.turns == (("", columns["text"]),) and examples == [{"text": row[columns["text"]]}]
    else:
        turns = [{"role": role, "content": row[column]} for role, column in found.turns]
        (example,) = examples
        assert example["messages"] == with_system(turns, found.system)
        assert example.keys() == {"messages"} or any(
            re.search(form.unless, value) for value in row.values() if value != 1
        )


def test_only_what_is_surely_plain_is():
    assert {name for name in FORMATS if FORMATS[name].plain({"text": "a"} if name == "text" else {}, None)} == {"text"}
    columns = {"question": "q", "answer": "a"}
    assert FORMATS["question_answer"].plain({**columns, "context": "c"}) is None
    assert FORMATS["question_answer"].plain({**columns, "question": Template("{a}: {b}")}) is None
    assert FORMATS["text"].plain({"text": Template("{a}: {b}")}) is None
    assert FORMATS["alpaca"].plain({"instruction": "i", "output": "o", "input": "x"}) is None
    assert FORMATS["prompt_completion"].plain({"prompt": "p", "completion": "c", "tools": "t"}) is None


def test_a_number_may_be_written_as_text_and_must_be_finite():
    assert [number_in(value) for value in (3, "0.5", " 7 ", "1e3")] == [3, 0.5, 7, 1000]
    assert {number_in(value) for value in (True, None, "", "many", "nan", float("inf"), [1], 10**400)} == {None}

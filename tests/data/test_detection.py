import json

import pytest

from finetune.data.formats.question_answer import QuestionAnswer
from finetune.data.formats.turns import exchange
from finetune.data.loading import read
from finetune.data.settings import DataSettings
from finetune.errors import DataError

TURNS = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


DETECTED = {
    "chat": {"messages": TURNS},
    "sharegpt": {"id": 1, "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
    "alpaca": {"instruction": "q", "input": "", "output": "a", "text": "### q ### a"},
    "question_answer": {"question": "q", "answer": "a", "category": "x"},
    "prompt_completion": {"prompt": "q", "completion": "a", "text": "q a"},
    "preference": {"prompt": "q", "chosen": "a", "rejected": "b", "messages": TURNS},
    "text": {"text": "a", "source": "b"},
}


@pytest.mark.parametrize("name", DETECTED)
def test_the_format_is_detected_from_the_rows(make, name):
    data = make([DETECTED[name]] * 3)
    assert data.format == name
    assert data.rows == [1, 2, 3] and data.total_rows == 3 and not data.rejected
    assert "all 3 sampled rows" in data.reason and 0 < data.confidence <= 1
    assert data.file_columns == tuple(DETECTED[name])
    columns = {"preference": {"prompt", "chosen", "rejected"}, "text": {"text"}}
    assert set(data.examples[0]) == columns.get(name, {"messages"})


def test_unusable_rows_are_rejected_with_number_line_and_reason(make):
    data = make([{"prompt": "q", "completion": "a"}, "", "{broken", {"prompt": "q", "completion": ""}, {"prompt": "q"}])
    assert data.rows == [1] and data.total_rows == 4
    assert [(bad.row, bad.line) for bad in data.rejected] == [(2, 3), (3, 4), (4, 5)]
    assert data.rejected[1].reason == 'Column "completion" is empty.'


def test_a_row_may_give_several_examples(make):
    data = make([{"instruction": "i", "instances": [{"input": "", "output": "a"}, {"input": "x", "output": "b"}]}])
    assert data.rows == [1, 1] and len(data.examples) == 2 and data.total_rows == 1


def test_settings_map_columns_to_fields(make):
    rows = [{"frage": "q", "antwort": "a", "notiz": "n"}]
    with pytest.raises(DataError, match="No format fits these columns: frage, antwort, notiz"):
        make(rows)
    data = make(rows, columns={"prompt": "frage", "completion": "antwort"}, system="s")
    assert data.format == "prompt_completion" and data.examples == [exchange("q", "a", "s")]
    assert make(rows, columns={"text": "notiz"}).examples == [{"text": "n"}]
    assert make(rows, columns={"prompt": "frage", "chosen": "antwort", "rejected": "notiz"}).kind == "preference"


def test_a_mapped_field_leaves_the_others_to_their_names(make):
    data = make([{"frage": "q", "response": "a"}], columns={"prompt": "frage"})
    assert data.columns == {"prompt": "frage", "completion": "response"}


def test_settings_override_the_detected_format(make):
    data = make([DETECTED["alpaca"]] * 2, format="text")
    assert data.examples[0] == {"text": "### q ### a"}
    assert data.confidence == 1.0 and data.reason == "Plain text, as you chose."


@pytest.mark.parametrize(
    "values, message",
    [
        ({"columns": {"prompt": "nope"}}, 'There is no column "nope" for the field "prompt". There are: a, b.'),
        ({"format": "csv"}, 'There is no format "csv". There are: auto, '),
        ({"format": "text", "columns": {"prompt": "a"}}, 'Plain text has no field "prompt". Its fields are: text.'),
        (
            {"format": "preference", "columns": {"prompt": "a"}},
            "is assigned to the field chosen and rejected",
        ),
        ({"columns": {"nothing": "a"}}, "No format fits these columns"),
    ],
)
def test_an_impossible_choice_is_an_error(make, values, message):
    with pytest.raises(DataError) as error:
        make([{"a": "1", "b": "2"}], **values)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "row, reason",
    [
        ({"messages": TURNS[:1]}, "It has no answer: no turn is by the assistant."),
        ({"prompt": "q", "completion": ""}, 'Column "completion" is empty.'),
    ],
)
def test_rows_of_a_known_format_that_all_fail_give_the_reason(make, row, reason):
    with pytest.raises(DataError) as error:
        make([row, row])
    assert f"None of the 2 rows can be trained on. Row 1 (line 1): {reason}" in error.value.message


def test_questions_without_answers_are_refused(make):
    with pytest.raises(DataError, match=r"These rows hold questions but no answers.*\(2 rows\)"):
        make([{"question_id": 1, "category": "x", "turns": ["a", "b"]}] * 2)


def test_a_file_without_a_usable_row_is_refused_with_the_first_reason(make):
    with pytest.raises(DataError, match=r'The only row cannot be trained on. Row 1 \(line 1\): Column "a" is empty'):
        make([{"a": "", "b": "x"}], format="prompt_completion", columns={"prompt": "a", "completion": "b"})


def test_a_table_whose_rows_are_all_left_out_is_an_error(make):
    with pytest.raises(DataError, match=r"None of the 2 rows can be trained on. Row 1 \(line 1\): You left it out."):
        make([{"prompt": "q", "completion": "a"}] * 2, fixes=({"type": "drop", "rows": "1-2"},))


def test_the_examples_of_a_large_table_are_made_on_access(make, monkeypatch):
    rows = [{"prompt": f"q{n}", "completion": "a" if n % 7 else ""} for n in range(400)]
    small = make(rows)
    monkeypatch.setattr("finetune.data.detection.MEMORY_BYTES", 1000)
    large = make(rows)
    assert not isinstance(large.examples, list) and list(large.examples) == small.examples
    assert large.rows == small.rows and large.rejected == small.rejected and len(large.rejected) == 58
    left = large.without({0, 5}, "Away.")
    assert not isinstance(left.examples, list) and left.examples[0] == small.examples[1]
    assert list(left.examples) == [ex for n, ex in enumerate(small.examples) if n not in (0, 5)]


def test_roles_and_templates_reach_the_format(make):
    turns = [{"role": "customer", "content": "q"}, {"role": "agent", "content": "a"}]
    assert make([{"messages": turns}], roles={"customer": "user", "agent": "assistant"}).examples == [
        exchange("q", "a")
    ]
    rows = [{"subject": "s", "body": "b", "reply": "r"}]
    assert make(rows, columns={"prompt": "{subject}: {body}", "completion": "reply"}).examples == [
        exchange("s: b", "r")
    ]
    with pytest.raises(DataError, match='"customer" cannot be "king"'):
        make([{"messages": turns}], format="chat", roles={"customer": "king"})


def test_rows_of_a_table_too_that_surely_fit_are_not_tried(tmp_path, monkeypatch):
    turn = '[{""role"": ""assistant"", ""content"": ""Of course.""}]'
    answers = {7: "", 37: f'"{turn}"', 67: '" [1, 2"', 97: "   "}
    lines = ["question,answer", *(f"Why {n}?,{answers.get(n, f'Because {n}.')}" for n in range(100))]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    settings = DataSettings(path="a.csv", format="question_answer")
    small = read(tmp_path / "a.csv", settings)
    for name in ("store", "detection"):
        monkeypatch.setattr(f"finetune.data.{name}.MEMORY_BYTES", 0)
    tried, example = [], QuestionAnswer.example
    monkeypatch.setattr(
        QuestionAnswer, "example", lambda self, row, *given: tried.append(row) or example(self, row, *given)
    )
    large = read(tmp_path / "a.csv", settings)
    assert len(tried) < 60 and not isinstance(large.examples, list)
    assert list(large.examples) == list(small.examples) and len(small.examples) == 98
    assert list(large.rows) == list(small.rows) and large.rejected == small.rejected


def test_rows_of_prose_surely_fit_and_the_others_are_tried(tmp_path, monkeypatch):
    for name in ("store", "detection"):
        monkeypatch.setattr(f"finetune.data.{name}.MEMORY_BYTES", 0)
    for name in ("COLUMN_BYTES", "PART_BYTES", "BLOCK_BYTES"):
        monkeypatch.setattr(f"finetune.data.readers.lines.{name}", 300)
    rows = [{"question": f"Why {n}?", "answer": "" if n % 30 == 7 else f"Because {n}."} for n in range(100)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    tried, example = [], QuestionAnswer.example
    monkeypatch.setattr(
        QuestionAnswer, "example", lambda self, row, *given: tried.append(row) or example(self, row, *given)
    )
    data = read(tmp_path / "a.jsonl", DataSettings(path="a.jsonl", format="question_answer"))
    assert [bad.row for bad in data.rejected] == [8, 38, 68, 98]
    assert list(data.rows) == [n + 1 for n in range(100) if n % 30 != 7]
    assert 4 <= len(tried) < 60
    assert [made["messages"][0]["content"] for made in data.examples] == [f"Why {row - 1}?" for row in data.rows]

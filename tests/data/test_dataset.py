import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.data.dataset import MAX_HELD_OUT, Dataset, content_hash, held_out_path, read, split
from finetune.data.formats.turns import exchange
from finetune.data.settings import DataSettings
from finetune.errors import DataError


@pytest.fixture
def make(tmp_path):
    """Writes rows and reads them back as a dataset."""

    def make(rows, name="data.jsonl", **values):
        path = tmp_path / name
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("\n".join(lines), encoding="utf-8")
        return read(path, DataSettings(path=name, **values))

    return make


def chats(*answers):
    return Dataset("chat", "chat", "Chat", "", 1.0, {}, examples=[exchange("q", answer) for answer in answers])


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
def test_the_format_is_told_from_the_rows(make, name):
    data = make([DETECTED[name]] * 3)
    assert data.format == name
    assert data.rows == [1, 2, 3] and data.total_rows == 3 and not data.rejected
    assert "all 3 rows" in data.reason and 0 < data.confidence <= 1
    assert data.file_columns == tuple(DETECTED[name])
    columns = {"preference": {"prompt", "chosen", "rejected"}, "text": {"text"}}
    assert set(data.examples[0]) == columns.get(name, {"messages"})


def test_rows_that_cannot_serve_are_rejected_with_number_line_and_reason(make):
    data = make([{"prompt": "q", "completion": "a"}, "", "{broken", {"prompt": "q", "completion": ""}, {"prompt": "q"}])
    assert data.rows == [1] and data.total_rows == 4
    assert [(bad.row, bad.line) for bad in data.rejected] == [(2, 3), (3, 4), (4, 5)]
    assert data.rejected[1].reason == 'Column "completion" is empty.'


def test_a_row_may_give_several_examples(make):
    data = make([{"instruction": "i", "instances": [{"input": "", "output": "a"}, {"input": "x", "output": "b"}]}])
    assert data.rows == [1, 1] and len(data.examples) == 2 and data.total_rows == 1


def test_a_person_can_say_which_column_is_which(make):
    rows = [{"frage": "q", "antwort": "a", "notiz": "n"}]
    with pytest.raises(DataError, match="It is not clear what to learn from these columns: frage, antwort, notiz"):
        make(rows)
    data = make(rows, columns={"prompt": "frage", "completion": "antwort"}, system="s")
    assert data.format == "prompt_completion" and data.examples == [exchange("q", "a", "s")]
    assert make(rows, columns={"text": "notiz"}).examples == [{"text": "n"}]
    assert make(rows, columns={"prompt": "frage", "chosen": "antwort", "rejected": "notiz"}).kind == "preference"


def test_a_mapped_part_leaves_the_others_to_their_names(make):
    data = make([{"frage": "q", "response": "a"}], columns={"prompt": "frage"})
    assert data.columns == {"prompt": "frage", "completion": "response"}


def test_a_person_can_overrule_the_format(make):
    data = make([DETECTED["alpaca"]] * 2, format="text")
    assert data.examples[0] == {"text": "### q ### a"}
    assert data.confidence == 1.0 and data.reason == "Plain text, as you chose."


@pytest.mark.parametrize(
    "values, message",
    [
        ({"columns": {"prompt": "nope"}}, 'There is no column "nope" to be the prompt. There are: a, b.'),
        ({"format": "csv"}, 'There is no format "csv". There are: auto, preference, chat'),
        ({"format": "text", "columns": {"prompt": "a"}}, 'Plain text has no part "prompt". Its parts are: text.'),
        ({"format": "preference", "columns": {"prompt": "a"}}, "not clear which column is the chosen and the rejected"),
        ({"columns": {"nothing": "a"}}, "It is not clear what to learn"),
    ],
)
def test_a_choice_that_cannot_be_is_told(make, values, message):
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
def test_rows_of_a_known_shape_that_all_fail_are_told_why(make, row, reason):
    with pytest.raises(DataError) as error:
        make([row, row])
    assert f"None of the 2 rows can be learnt from. Row 1 (line 1): {reason}" in error.value.message


def test_questions_without_answers_are_refused(make):
    with pytest.raises(DataError, match=r"These rows hold questions but no answers.*\(2 rows\)"):
        make([{"question_id": 1, "category": "x", "turns": ["a", "b"]}] * 2)


def test_a_file_without_a_row_that_serves_is_refused_with_the_first_reason(make):
    with pytest.raises(DataError, match=r'The only row cannot be learnt from. Row 1 \(line 1\): Column "a" is empty'):
        make([{"a": "", "b": "x"}], format="prompt_completion", columns={"prompt": "a", "completion": "b"})


def test_csv_rows_are_numbered_below_their_header(tmp_path):
    (tmp_path / "a.csv").write_text('prompt;completion\n"q\nr";a\nq;\n', encoding="utf-8")
    data = read(tmp_path / "a.csv", DataSettings(path="a.csv"))
    assert data.examples == [exchange("q\nr", "a")]
    assert [(bad.row, bad.line) for bad in data.rejected] == [(2, 4)]
    assert data.notes == ["The columns are separated by semicolons."]


def test_held_out_rows_are_found_beside_the_data_or_by_name(tmp_path):
    data, settings = tmp_path / "pirate.v2.jsonl", DataSettings(path="pirate.v2.jsonl")
    assert held_out_path(data, settings) is None
    beside = tmp_path / "pirate.v2.held-out.jsonl"
    beside.touch()
    assert held_out_path(data, settings) == beside
    other = tmp_path / "check.csv"
    other.touch()
    assert held_out_path(data, DataSettings(path="x", held_out="uploads/check.csv")) == other


@pytest.mark.parametrize("name", ["none.csv", "..", "/etc/hostname", "../secret.csv"])
def test_only_files_beside_the_data_can_be_named(tmp_path, name):
    (tmp_path / "secret.csv").touch()
    (tmp_path / "uploads").mkdir()
    with pytest.raises(DataError, match="There is no file"):
        held_out_path(tmp_path / "uploads" / "a.csv", DataSettings(path="a.csv", held_out=name))


def test_a_file_of_held_out_rows_is_never_learnt_from():
    train, kept = split(chats("a", "b", "c", "b"), chats("b", "x"), share=0.5, seed=7)
    assert train == chats("a", "c").examples
    assert kept == chats("b", "x").examples


def test_held_out_rows_of_another_kind_or_all_of_them_are_refused():
    other = Dataset("text", "text", "Plain text", "", 1.0, {}, examples=[{"text": "a"}])
    with pytest.raises(DataError, match="are Plain text, but the rows to learn from are Chat"):
        split(chats("a"), other, 0.1, 7)
    with pytest.raises(DataError, match="Every row is also among"):
        split(chats("a"), chats("a"), 0.1, 7)


answers = st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), max_size=60)


@settings(max_examples=150, deadline=None)
@given(answers=answers, share=st.floats(0, 0.5), seed=st.integers(0, 9))
def test_a_split_keeps_equal_rows_together_and_its_size(answers, share, seed):
    data = chats(*answers)
    train, kept = split(data, None, share, seed)
    sides = [{content_hash(example) for example in side} for side in (train, kept)]
    assert not sides[0] & sides[1]
    assert sorted(map(content_hash, train + kept)) == sorted(map(content_hash, data.examples))
    assert (train, kept) == split(data, None, share, seed)
    if share == 0 or len(answers) < 10 or len(set(answers)) < 2:
        assert not kept
    else:
        assert train and kept
        smallest = min(answers.count(answer) for answer in answers)
        assert len(kept) <= max(1, round(share * len(answers)), smallest)


def test_a_split_keeps_the_share_up_to_a_limit_and_follows_the_seed():
    data = chats(*(f"answer {n}" for n in range(5000)))
    assert len(split(data, None, 0.01, 7)[1]) == 50
    assert len(split(data, None, 0.5, 7)[1]) == MAX_HELD_OUT
    assert split(data, None, 0.01, 7)[1] != split(data, None, 0.01, 8)[1]
    shuffled = chats(*(f"answer {n}" for n in reversed(range(5000))))
    assert split(shuffled, None, 0.01, 7)[1] == split(data, None, 0.01, 7)[1][::-1]

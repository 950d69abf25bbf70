import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.data.dataset import Dataset
from finetune.data.formats.turns import exchange
from finetune.data.loading import read
from finetune.data.settings import DataSettings
from finetune.data.split import MAX_HELD_OUT, content_hash, held_out_count, question, split_dataset, without_leaks
from finetune.errors import DataError

SETTINGS = DataSettings(path="x")


def chats(*questions, answer="a"):
    examples = [exchange(question, answer) for question in questions]
    return Dataset("chat", "chat", "Chat", "", 1.0, {}, examples=examples, rows=list(range(1, len(examples) + 1)))


def table(tmp_path, rows, **values):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    chosen = DataSettings(path="rows.jsonl", **values)
    return read(path, chosen), chosen


def asked(examples):
    return {content_hash(question(example)) for example in examples}


def test_held_out_rows_are_never_trained_on_and_neither_are_their_questions():
    held_out = Dataset("chat", "chat", "Chat", "", 1.0, {}, examples=[exchange("b", "other"), exchange("x", "a")])
    parts = split_dataset(chats("a", "b", "c", "d"), held_out, SETTINGS, 7)
    assert parts.train == chats("a", "c", "d").examples and parts.held_out == held_out.examples
    assert parts.notes[0] == "1 row is left out of training, because held-out rows ask the same question (leakage)."


def test_where_all_rows_ask_the_same_only_equal_ones_are_left_out():
    train = [exchange("Write a poem.", answer) for answer in "abc"]
    assert without_leaks(train, [exchange("Write a poem.", "b")]) == [train[0], train[2]]


def test_held_out_rows_of_another_kind_or_all_of_them_are_refused():
    other = Dataset("text", "text", "Plain text", "", 1.0, {}, examples=[{"text": "a"}])
    with pytest.raises(DataError, match="are Plain text, but the training rows are Chat"):
        split_dataset(chats("a"), other, SETTINGS, 7)
    with pytest.raises(DataError, match="Every row is also among"):
        split_dataset(chats("a"), chats("a"), SETTINGS, 7)


@settings(max_examples=150, deadline=None)
@given(
    questions=st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), max_size=60),
    share=st.floats(0, 0.5),
    seed=st.integers(0, 9),
)
def test_a_split_keeps_equal_questions_together_and_its_size(questions, share, seed):
    data, chosen = chats(*questions), SETTINGS.changed(held_out_share=share)
    parts = split_dataset(data, None, chosen, seed)
    assert not asked(parts.train) & asked(parts.held_out)
    everything = sorted(map(content_hash, [*parts.train, *parts.held_out]))
    assert everything == sorted(map(content_hash, data.examples))
    again = split_dataset(data, None, chosen, seed)
    assert (parts.train, parts.held_out) == (again.train, again.held_out)
    if share == 0 or len(questions) < 10 or len(set(questions)) < 2:
        assert not parts.held_out
    else:
        assert parts.train and parts.held_out
        smallest = min(questions.count(question) for question in questions)
        assert len(parts.held_out) <= max(1, round(share * len(questions)), smallest)


def test_a_split_keeps_the_share_up_to_a_limit_and_follows_seed_and_content_not_order():
    names = [f"question {n}" for n in range(5000)]
    few, many = SETTINGS.changed(held_out_share=0.01), SETTINGS.changed(held_out_share=0.5)
    assert len(split_dataset(chats(*names), None, few, 7).held_out) == 50
    assert len(split_dataset(chats(*names), None, many, 7).held_out) == MAX_HELD_OUT
    assert asked(split_dataset(chats(*names), None, few, 7).held_out) != asked(
        split_dataset(chats(*names), None, few, 8).held_out
    )
    turned = split_dataset(chats(*reversed(names)), None, few, 7).held_out
    assert turned == split_dataset(chats(*names), None, few, 7).held_out[::-1]


@pytest.mark.parametrize("share, count", [(0, 50), (0.1, 9), (0.1, 10), (0.1, 14), (0.05, 12), (0.5, 600)])
def test_the_number_of_held_out_rows_is_known_without_splitting(share, count):
    chosen = SETTINGS.changed(held_out_share=share)
    parts = split_dataset(chats(*(f"question {n}" for n in range(count))), None, chosen, 7)
    assert held_out_count(count, chosen) == len(parts.held_out) == count - len(parts.train)


def test_a_question_with_many_answers_stays_in_one_part(tmp_path):
    rows = [{"prompt": f"q{n % 30}", "completion": f"answer {n}"} for n in range(90)]
    data, chosen = table(tmp_path, rows)
    parts = split_dataset(data, None, chosen, 7)
    assert len(parts.held_out) == 9 and not asked(parts.train) & asked(parts.held_out)


def test_the_examples_of_one_row_stay_together(tmp_path):
    rows = [
        {"instruction": f"do {n}", "instances": [{"input": str(i), "output": "a"} for i in range(4)]} for n in range(20)
    ]
    data, chosen = table(tmp_path, rows)
    parts = split_dataset(data, None, chosen, 3)
    first_words = [
        {ex["messages"][0]["content"].split("\n")[0] for ex in side} for side in (parts.train, parts.held_out)
    ]
    assert len(parts.held_out) == 8 and not first_words[0] & first_words[1]


def test_if_all_rows_ask_the_same_the_answers_are_split_and_a_note_says_so():
    data = chats(*["q"] * 40)
    data.examples = [exchange("Write a poem.", f"poem {n}") for n in range(40)]
    parts = split_dataset(data, None, SETTINGS, 7)
    assert len(parts.held_out) == 4
    assert "ask the same" in parts.notes[0] and "±49 percentage points" in parts.notes[1]


def test_rows_that_are_all_equal_are_not_split_and_a_note_says_so():
    parts = split_dataset(chats(*["q"] * 40), None, SETTINGS, 7)
    assert (len(parts.train), len(parts.held_out)) == (40, 0)
    assert parts.notes == ["All rows belong to one group, so none can be held out."]


@pytest.mark.parametrize("seed", range(5))
def test_a_group_is_in_one_part_and_rows_without_one_are_independent(tmp_path, seed):
    rows = [{"prompt": f"q{n}", "completion": "a", "customer": f"c{n % 25}" if n < 100 else None} for n in range(200)]
    data, chosen = table(tmp_path, rows, group="customer")
    parts = split_dataset(data, None, chosen, seed)
    of = {f"q{n}": row["customer"] for n, row in enumerate(rows)}
    customers = [{of[ex["messages"][0]["content"]] for ex in side} - {None} for side in (parts.train, parts.held_out)]
    assert not customers[0] & customers[1] and customers[1]
    assert len(parts.held_out) == 20


def test_a_group_by_addresses_that_are_masked_is_still_one(tmp_path):
    rows = [{"prompt": f"q{n}", "completion": "a", "customer": f"c{n % 25}@example.com"} for n in range(100)]
    data, chosen = table(tmp_path, rows, group="customer", fixes=[{"type": "drop", "rows": "1"}, {"type": "mask"}])
    assert {row["customer"] for row in data.table.rows} == {"[e-mail]"}
    parts = split_dataset(data, None, chosen, 7)
    of = {f"q{n}": n % 25 for n in range(100)}
    train, held_out = ({of[ex["messages"][0]["content"]] for ex in side} for side in (parts.train, parts.held_out))
    assert held_out and not train & held_out


def test_labels_have_the_same_shares_in_both_parts(tmp_path):
    labels = ["good"] * 300 + ["bad"] * 80 + ["rare"] * 20
    random.Random(1).shuffle(labels)
    rows = [{"prompt": f"q{n}", "completion": "a", "label_of": label} for n, label in enumerate(labels)]
    data, chosen = table(tmp_path, rows, stratify="label_of")
    held_out = split_dataset(data, None, chosen, 7).held_out
    of = {f"q{n}": label for n, label in enumerate(labels)}
    found = [of[example["messages"][0]["content"]] for example in held_out]
    assert {label: found.count(label) for label in of.values()} == {"good": 30, "bad": 8, "rare": 2}


@pytest.mark.parametrize("setting", ["group", "stratify"])
def test_an_unknown_column_to_split_by_is_an_error(tmp_path, setting):
    data, chosen = table(tmp_path, [{"prompt": f"q{n}", "completion": "a"} for n in range(20)], **{setting: "nope"})
    with pytest.raises(DataError) as error:
        split_dataset(data, None, chosen, 7)
    assert str(error.value) == f'There is no column "nope" to {setting} by. There are: prompt, completion.'


def test_too_few_held_out_rows_are_reported_with_their_uncertainty():
    assert split_dataset(chats(*map(str, range(100))), None, SETTINGS, 7).notes == [
        "Only 10 rows are held out: the accuracy on them is known only to about ±31 percentage points."
    ]
    assert split_dataset(chats(*map(str, range(200))), None, SETTINGS, 7).notes == []


def test_the_question_of_a_conversation_is_all_of_it_up_to_the_last_answer():
    turns = [{"role": role, "content": text} for role, text in zip(["user", "assistant"] * 2, "abcd")]
    other = [*turns[:3], {"role": "assistant", "content": "e"}]
    assert question({"messages": turns}) == question({"messages": other}) != question({"messages": turns[:2]})
    pair = {"prompt": turns[:1], "chosen": turns[1:2], "rejected": other[3:]}
    assert question(pair) == question({"messages": turns[:2]})
    assert question({"text": "a"}) == {"text": "a"}

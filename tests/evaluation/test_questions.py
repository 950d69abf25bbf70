import json

import pytest

from finetune.errors import DataError
from finetune.evaluation.questions import asked_of, keyed, kind_of, rows_of, sampled, sequences_of, unseen
from finetune.models.tokenizer import load_tokenizer
from finetune.recipe import ModelSettings, Recipe

USER, BOT = {"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Arr."}


def test_a_conversation_is_asked_up_to_its_last_answer():
    system = {"role": "system", "content": "Be kind."}
    asked = asked_of({"messages": [system, USER, BOT, {"role": "user", "content": "And?"}, {**BOT, "content": "Aye."}]})
    assert [turn["content"] for turn in asked.messages] == ["Be kind.", "Hi?", "Arr.", "And?"]
    assert asked.expected == "Aye." and asked.question == "And?"


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        ({"prompt": [USER], "chosen": [BOT], "rejected": [USER]}, "Arr."),
        ({"prompt": [USER], "completion": [BOT], "label": True}, "Arr."),
        ({"prompt": [USER], "answer": 7}, "7"),
        ({"prompt": [USER]}, ""),
        ({"messages": [USER]}, ""),
    ],
)
def test_each_kind_of_example_is_asked(example, expected):
    asked = asked_of(example)
    assert [turn["content"] for turn in asked.messages] == ["Hi?"] and asked.expected == expected


@pytest.mark.parametrize(
    "example",
    [
        {"messages": [USER, BOT], "tools": []},
        {"prompt": [USER], "completion": [BOT], "label": False},
        {"messages": [USER, {"role": "tool", "content": "x"}, BOT]},
        {"messages": [BOT]},
        {"messages": [{"role": "user", "content": [{"type": "image"}]}, BOT]},
    ],
)
def test_what_cannot_be_asked_is_left_out(example):
    assert asked_of(example) is None


def test_a_text_asks_nothing():
    asked = asked_of({"text": "Once."})
    assert asked.messages == () and asked.question == asked.expected == ""


def test_the_loss_mask_is_that_of_the_run_or_of_the_kind(with_tiny):
    tokenizer = load_tokenizer(ModelSettings(id="tiny"), with_tiny)
    recipe = Recipe.from_dict({"data": {"path": "x"}, "method": {"type": "sft", "train_on": "all"}})
    (whole,) = sequences_of(recipe, {"messages": [USER, BOT]}, tokenizer)
    assert sum(whole.trained) > len("Arr.") + 5
    pair = {"prompt": [USER], "chosen": [BOT], "rejected": [{**BOT, "content": "No."}]}
    assert [each.name for each in sequences_of(recipe, pair, tokenizer)] == ["chosen", "rejected"]
    assert sequences_of(recipe, {"prompt": [USER], "answer": "7"}, tokenizer) == ()
    assert [kind_of(each) for each in (pair, {"text": ""}, {"messages": []}, {"prompt": []})] == [
        "preference", "text", "chat", "prompt"
    ]  # fmt: skip


def test_questions_that_were_trained_on_are_left_out():
    other = {"messages": [{"role": "user", "content": "Else?"}, BOT]}
    assert unseen(
        [{"messages": [USER, BOT], "key": ["arr"]}, other], [{"messages": [USER, {**BOT, "content": "x"}]}]
    ) == [other]


def test_a_sample_is_random_and_the_same_each_time():
    rows = [{"n": n} for n in range(50)]
    found = sampled(rows, 20, 7)
    assert found == sampled(rows, 20, 7) != rows[:20] and len(found) == 20
    assert sampled(rows, 99, 7)[:20] == found and sampled(rows, 20, 8) != found
    assert {row["n"] for row in sampled(rows, 20, 7, first=10)} == set(range(10))


def test_rows_of_another_file_are_read_as_everywhere(workspace, tmp_path):
    path = tmp_path / "more.csv"
    path.write_text("question,answer\n" + "".join(f"What is {n}?,It is {n}.\n" for n in range(12)))
    assert rows_of(str(path), workspace, trusted=True).kind == "chat"
    with pytest.raises(Exception, match="no data file"):
        rows_of(str(path), workspace, trusted=False)


def test_an_empty_file_of_ours_is_an_error(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"messages": []}) + "\n\n")
    assert keyed(path) == [{"messages": []}]
    path.write_text("\n")
    with pytest.raises(DataError):
        keyed(path)

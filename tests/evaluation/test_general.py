import json

import pytest

from finetune.errors import DataError
from finetune.evaluation.general import EVERYONES, STARTERS, general_questions, general_rows
from finetune.evaluation.questions import keyed
from finetune.recipe import Recipe


def recipe(**data):
    return Recipe.from_dict({"data": {"path": "x.jsonl", **data}})


def test_the_starter_is_asked_of_its_own_world_and_any_other_model_of_everyones(workspace):
    assert general_rows(recipe(), workspace, None, True)[0] == STARTERS.name
    other = Recipe.from_dict({"data": {"path": "x.jsonl"}, "model": {"id": "Qwen/Qwen2.5-0.5B-Instruct"}})
    assert general_rows(other, workspace, None, True)[0] == EVERYONES.name


@pytest.mark.parametrize("path", [STARTERS, EVERYONES], ids=lambda path: path.name)
def test_what_ships_can_be_asked_and_has_short_answers_that_decide(path):
    rows = keyed(path)
    found = general_questions(recipe(), rows, [])
    assert len(found) == len(rows) >= 100
    assert all(asked.key or len(asked.expected.split()) <= 5 for asked in found)
    assert len({asked.question for asked in found}) >= 0.95 * len(rows)


def test_they_come_after_the_system_prompt_of_the_run_and_never_were_trained_on():
    row = {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}], "key": ["4"]}
    (asked,) = general_questions(recipe(system="Be brief."), [row], [])
    assert [turn["content"] for turn in asked.messages] == ["Be brief.", "2 + 2?"] and asked.key == ("4",)
    assert asked.example["messages"][-1]["content"] == "4"
    assert general_questions(recipe(), [row], [{"messages": row["messages"]}]) == []


def test_a_file_of_ones_own_has_questions_with_answers(workspace, tmp_path):
    path = tmp_path / "mine.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": "a"}]} for n in range(12)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    name, found = general_rows(recipe(), workspace, str(path), True)
    assert name == "mine.jsonl" and len(general_questions(recipe(), found, [])) == 12
    path.write_text("".join(json.dumps({"text": f"Once upon a time there was {n}."}) + "\n" for n in range(12)))
    with pytest.raises(DataError, match="questions"):
        general_rows(recipe(), workspace, str(path), True)

"""A recipe that is passed on names no folder of this machine."""

from finetune.evaluation.shared_recipe import shared
from finetune.recipe import Recipe


def test_only_the_name_of_a_file_is_shared_and_other_paths_stay():
    given = {
        "path": "/home/ada/rows.jsonl",
        "also": ["C:\\ada\\x.jsonl", "uploads/y.jsonl", "hf://datasets/a/b"],
        "held_out": "~/h.jsonl",
        "replay": "assets/samples/general-chat.jsonl",
        "system": "/me is a pirate",
    }
    data = shared(Recipe.from_dict({"name": "x", "data": given})).data
    assert (data.path, data.held_out, data.replay) == ("rows.jsonl", "h.jsonl", given["replay"])
    assert data.also == ("x.jsonl", "uploads/y.jsonl", "hf://datasets/a/b") and data.system == "/me is a pirate"

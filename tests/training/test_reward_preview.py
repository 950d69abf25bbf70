import json

import pytest

from finetune.errors import DataError, RecipeError
from finetune.training.reward_preview import Attempted, Preview, preview
from tests.training.test_train import recipe


def test_answers_of_the_base_with_what_each_earns(with_tiny, tmp_path):
    rewards = {"method.rewards": ["length: {unit: characters, minimum: 4}", "number"], "data.format": "prompts"}
    found = preview(recipe(tmp_path, "grpo", **rewards), with_tiny)
    assert len(found.groups) == 5
    for prompt, expected, group in found.groups:
        assert prompt.startswith("What of the") and expected.isdigit() and len(group) == 4
        for each in group:
            assert each.rewards["length"] == min(1, len(each.text) / 4) and each.rewards["number"] in (0, 1)
            assert each.total == sum(each.rewards.values())
    assert str(found.spread) in found.sentence


def group(*totals):
    return ("?", None, tuple(Attempted("a", {}, total) for total in totals))


def test_whether_there_is_something_to_learn_from():
    some = Preview((group(0, 1), group(1, 1)))
    assert (
        some.sentence
        == "The base earns 0.75 on average; 1 of 2 groups have any spread, so there is something to learn from."
    )
    none = Preview((group(0, 0), group(1, 1)))
    assert "0 of 2 groups have any spread: all answers to a prompt earn the same" in none.sentence


def test_what_cannot_be_rated_is_refused(with_tiny, tmp_path):
    with pytest.raises(RecipeError, match="Supervised fine-tuning has no rewards"):
        preview(recipe(tmp_path), with_tiny)
    (tmp_path / "bare.jsonl").write_text("\n".join(json.dumps({"prompt": word}) for word in "abcd"), encoding="utf-8")
    bare = {"method.rewards": ["number"], "data.path": str(tmp_path / "bare.jsonl")}
    with pytest.raises(DataError, match="compares with the expected result"):
        preview(recipe(tmp_path, "grpo", **bare), with_tiny)

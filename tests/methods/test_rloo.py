"""RLOO against its paper: each answer against the mean of the others of its group."""

import json

import pytest

from finetune.methods.rloo import RLOO
from finetune.paths import ASSETS
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace
from finetune.training.train import train
from tests.methods.test_grpo import built, scored  # noqa: F401


def test_an_advantage_is_the_reward_against_the_other_answers(built):  # noqa: F811
    batch = scored(*built(RLOO(generations=4, max_tokens=4, beta=0.0, normalize_advantages=False)))
    by_hand = [1 - 1 / 3, 0 - 2 / 3, 0 - 2 / 3, 1 - 1 / 3, 0, 0, 0, 0]
    assert batch["advantages"].tolist() == pytest.approx(by_hand, abs=1e-6)


@pytest.mark.heavy
def test_a_reward_model_makes_answers_short_and_kind(tmp_path):
    """RLHF in its three stages: a few examples (SFT), a reward model from pairs, and RLOO with that reward."""
    workspace, pairs = Workspace(tmp_path / "workspace"), ASSETS / "samples" / "short-and-kind.jsonl"
    rows = [json.loads(line) for line in pairs.read_text(encoding="utf-8").splitlines()][:80]
    shown = "".join(json.dumps({"messages": row["prompt"] + row["chosen"]}) + "\n" for row in rows)
    (tmp_path / "shown.jsonl").write_text(shown, encoding="utf-8")

    def run(data, method, training, **more):
        given = {"data": {"path": str(data)}, "method": method, "training": training, **more}
        found = workspace.create(Recipe.from_dict(given))
        with found.held():
            train(found, workspace)
        return found

    few = {"evaluation": {"times": 1, "max_tokens": 4}}
    policy = run(tmp_path / "shown.jsonl", {"type": "sft"}, {"max_steps": 9, "learning_rate": 0.002}, **few)
    judge = {"type": "reward", "centered": 0.02}
    scorer = run(pairs, judge, {"max_steps": 40, "learning_rate": 0.0003}, **few)
    assert scorer.view().evaluations[-1].metrics["pair_accuracy"] > 0.95
    method = {"type": "rloo", "max_tokens": 40, "rewards": [{"type": "model", "run": scorer.id}]}
    tuned = run(pairs, method, {"max_steps": 24, "learning_rate": 0.001}, model={"run": policy.id}, **few)
    first, last = (each.metrics["reward"] for each in tuned.view().evaluations)
    assert last > first + 0.5
    kind = [sum(each.tuned.startswith("Gladly!") for each in sample.answers) for sample in tuned.view().samples]
    assert kind[-1] >= kind[0]

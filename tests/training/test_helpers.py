import json

from finetune.training.helpers import load_helpers
from tests.inference.test_endpoint import serving
from tests.training.test_train import recipe


def test_a_reward_model_and_a_judge_are_loaded_for_the_rewards_that_want_them(trained, with_tiny, tmp_path):
    scorer = trained(method="reward", **{"training.max_steps": 1, "evaluation.times": 0})
    with serving(lambda prompt, count: "5") as (address, _):
        rewards = [f"model: {{run: {scorer.id}}}", {"type": "judge", "model": "big", "endpoint": address}]
        wanted = recipe(tmp_path, "grpo", **{"method.rewards": rewards})
        run = with_tiny.create(wanted)
        helpers = load_helpers(wanted, with_tiny, run)
        assert set(helpers) == {"model.run", "judge.judge"}
        asked = [([{"role": "user", "content": "?"}], "Yes.")]
        assert helpers["judge.judge"].points(asked) == [0.5]
        assert len(helpers["model.run"].scores(asked)) == 1
    (kept,) = run.judgements.read_text(encoding="utf-8").splitlines()
    assert json.loads(kept)["points"] == 0.5


def test_most_methods_want_none(with_tiny, tmp_path):
    assert load_helpers(recipe(tmp_path), with_tiny) == {}

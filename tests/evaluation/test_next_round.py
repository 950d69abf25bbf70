import json
import math
import re

import pytest

from finetune.errors import RunError
from finetune.evaluation import ballot, next_round, prompts
from finetune.evaluation.rounds import result
from finetune.inference.chat import Pairs
from finetune.inference.sampling import Sampling
from finetune.recipe import Recipe
from finetune.service.preflight import require_runnable
from finetune.training.train import train
from tests.blind import drawn, judge


def rows_of(workspace, recipe):
    return [json.loads(line) for line in workspace.find(recipe.data.path, trusted=False).read_text().splitlines()]


def test_preferences_become_pairs_and_the_recipe_trains_the_same_model_further(workspace, write_run):
    run = write_run("pirate voice")
    drawn(run, 14)
    judge(run, "ann", ["tuned"] * 8 + ["base"] * 3 + ["tie", "bad"])
    recipe = next_round.next_recipe(run, workspace)
    assert (recipe.name, recipe.method.type, recipe.model.run) == ("pirate voice, round 2", "dpo", run.id)
    assert recipe.adapter == run.recipe.adapter and recipe.data.held_out_share == 0.1
    rows = rows_of(workspace, recipe)
    assert len(rows) == 11
    assert rows[0] == {
        "prompt": [{"role": "user", "content": "question 0?"}],
        "chosen": [{"role": "assistant", "content": "Arr, question 0?"}],
        "rejected": [{"role": "assistant", "content": "Plainly, question 0?"}],
    }
    assert rows[8]["chosen"][0]["content"].startswith("Plainly")
    require_runnable(recipe, workspace, trusted=False)


def test_many_bad_answers_are_rated_one_by_one(workspace, write_run):
    run = write_run()
    drawn(run, 12)
    judge(run, "ann", ["tuned"] * 2 + ["base"] + ["bad"] * 6 + ["tie"] * 3)
    recipe = next_round.next_recipe(run, workspace)
    assert recipe.method.type == "kto"
    assert (recipe.method.desirable_weight, recipe.method.undesirable_weight) == (4.0, 1.0)
    rows = rows_of(workspace, recipe)
    assert [row["label"] for row in rows] == [True] * 3 + [False] * 12
    assert rows[2]["completion"][0]["content"] == "Plainly, question 2?"
    require_runnable(recipe, workspace, trusted=False)


def test_a_round_of_an_adapter_with_dropout_is_trained_without_it(workspace, write_run):
    run = write_run()
    path = run.path / "recipe.yaml"
    path.write_text(run.recipe.changed(**{"adapter.dropout": 0.1}).to_yaml(full=True))
    drawn(run, 10)
    judge(run, "ann", ["tuned"] * 10)
    recipe = next_round.next_recipe(run, workspace)
    assert recipe.adapter == run.recipe.adapter.model_copy(update={"dropout": 0.0})
    require_runnable(recipe, workspace, trusted=False)


def test_the_weight_of_a_rare_rating_stays_within_its_bounds():
    rows = [{"label": True}] + [{"label": False}] * 300
    assert next_round.balanced(rows) == {"desirable_weight": 100.0, "undesirable_weight": 1.0}


@pytest.mark.parametrize(
    ("choices", "words", "hint"),
    [
        (["tuned"] * 7, "needs 10 questions with a preference; there are 7", "Have 3 more questions decided"),
        (["tuned"], "there is 1", "Have 9 more questions decided"),
        (["bad"] * 12, "there are 0", "Have 10 more questions decided"),
        (["tuned"] * 9 + ["tie"] * 3, "there are 9", "Have 1 more question decided"),
    ],
)
def test_too_few_votes_are_refused_with_how_many_are_missing(workspace, write_run, choices, words, hint):
    run = write_run()
    drawn(run, 12)
    judge(run, "ann", choices)
    with pytest.raises(RunError, match=words) as error:
        next_round.next_recipe(run, workspace)
    assert hint in error.value.hint
    with pytest.raises(RunError, match=words):
        next_round.choose_method(result(run))


def test_the_next_round_of_a_later_round_counts_on(workspace, write_run):
    first = write_run("x" * 80)
    second = write_run("whatever", model={"run": first.id})
    drawn(second, 10)
    judge(second, "ann", ["tuned"] * 10)
    recipe = next_round.next_recipe(second, workspace)
    assert recipe.name.endswith("x, round 3") and len(recipe.name) == 80 and recipe.model.run == second.id


def test_without_a_blind_test_there_is_no_next_round(workspace, write_run):
    with pytest.raises(RunError, match="no blind test"):
        next_round.next_recipe(write_run(), workspace)


@pytest.mark.parametrize("method", ["dpo", "kto"])
@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_a_round_starts_from_the_judged_model_which_is_its_reference(trained, with_tiny, adapter, method):
    dropout = {"adapter.dropout": 0.1} if adapter == "lora" else {}
    first = trained(adapter=adapter, **{"training.learning_rate": 1e-2, "training.max_steps": 3}, **dropout)
    drawn(first, 16)
    judge(first, "ann", ["tuned"] * 8 + ["base"] * 4 if method == "dpo" else ["tuned"] * 5 + ["bad"] * 8)
    recipe = next_round.next_recipe(first, with_tiny)
    assert (recipe.method.type, recipe.adapter.type) == (method, adapter)
    second = with_tiny.create(recipe.changed(**{"training.max_steps": 2, "training.learning_rate": 1e-3}))
    with second.held():
        train(second, with_tiny)
    view = second.view()
    assert view.state == "done" and view.held_out_rows
    before, *_, after = view.evaluations
    # Before its first step the model is its own reference, and gains nothing on it: DPO's loss is ln 2, KTO's half
    # the weight of each rating.
    weights = (1.0, getattr(recipe.method, "desirable_weight", 1.0))
    expected = [math.log(2)] if method == "dpo" else [weight / 2 for weight in weights]
    assert before.step == 0 and any(before.loss == pytest.approx(each, abs=1e-3) for each in expected)
    assert after.loss != before.loss


STEPS = 25
"""Of the first round: few, so that there is something left to learn."""
PIRATE = re.compile(
    r"\b(arr|avast|aye|ahoy|yarr|ye|be|me|matey|hearty|bucko|timbers|says I|black flag)\b", re.IGNORECASE
)


def liking(text: str) -> float:
    """How a voter who wants a pirate likes an answer: by its share of pirate's words, and not if it never ends."""
    words = text.split()
    return -1.0 if len(words) > 40 else len(PIRATE.findall(text)) / max(len(words), 1)


def preferred(base: str, tuned: str) -> str:
    difference = liking(tuned) - liking(base)
    return "tie" if abs(difference) < 0.02 else "tuned" if difference > 0 else "base"


def asked(run, workspace, prompts, pairs):
    """Both answers of ``run`` to ``prompts``, as a ballot keeps them."""
    ballot.draw_up(run, prompts, "held-out", Sampling(max_tokens=64))
    list(ballot.ask_rest(run, lambda: pairs.get(run.id)))
    return ballot.read(run)


def run_of(workspace, recipe):
    run = workspace.create(recipe)
    with run.held():
        train(run, workspace)
    return run


@pytest.mark.heavy
def test_votes_on_a_round_make_the_next_one_better_on_rows_that_nobody_judged(workspace):
    """The full loop on the starter: SFT, 20 votes by a rule, DPO on them, and both rounds on 30 other held-out rows."""
    first = run_of(
        workspace,
        Recipe.from_dict({"name": "pirate voice", "data": {"path": "assets/samples/pirate-voice.jsonl"},
                          "training": {"max_steps": STEPS}, "evaluation": {"times": 1, "keep": "last"}}),
    )  # fmt: skip
    pairs, everything = Pairs(workspace), prompts.of_held_out(first, workspace, 50)
    judged, others = everything[:20], everything[20:]
    whole = asked(first, workspace, judged, pairs)
    judge(first, "ann", {each.id: preferred(each.base, each.tuned) for each in whole.questions})
    votes_cast = result(first)
    recipe = next_round.next_recipe(first, workspace)
    require_runnable(recipe, workspace, trusted=False)
    second = run_of(workspace, recipe)
    rates = []
    for run in (first, second):
        ballot.put_away(run) if run is first else None
        found = [preferred(each.base, each.tuned) for each in asked(run, workspace, others, pairs).questions]
        rates.append((found.count("tuned"), found.count("base"), found.count("tie")))
    print(
        f"votes {votes_cast.wins}:{votes_cast.losses}, {recipe.method.type}; on other rows {rates[0]}, then {rates[1]}"
    )
    assert rates[1][0] > rates[0][0], rates

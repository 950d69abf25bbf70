import json

import pytest

from finetune.errors import RunError
from finetune.evaluation import next_round
from finetune.evaluation.rounds import result
from finetune.service.preflight import require_runnable
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
    rows = rows_of(workspace, recipe)
    assert [row["label"] for row in rows] == [True] * 3 + [False] * 12
    assert rows[2]["completion"][0]["content"] == "Plainly, question 2?"
    require_runnable(recipe, workspace, trusted=False)


@pytest.mark.parametrize(
    ("choices", "words", "hint"),
    [
        (["tuned"] * 7, "needs 10 questions with a preference; there are 7", "Decide 3 more questions"),
        (["tuned"], "there is 1", "Decide 9 more questions"),
        (["bad"] * 12, "there are 0", "Decide 10 more questions"),
        (["tuned"] * 9 + ["tie"] * 3, "there are 9", "Decide 1 more question,"),
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

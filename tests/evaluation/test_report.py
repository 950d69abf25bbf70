import json

import pytest
import yaml

from finetune.evaluation.report import facts, report, to_json
from finetune.recipe import Recipe
from finetune.runs.events import Fingerprinted
from tests import blind, scored


def test_the_report_says_whether_it_is_better_and_at_what_cost(workspace, write_run):
    found = report(scored.evaluated(write_run()), workspace, price=3.6)
    assert found.advice == "Use it for what it was taught." and found.missing == ()
    assert found.verdict.startswith("Better than the base") and found.verdict.endswith("It kept 98 % of what it knew.")
    assert "20 % (10–30 %) before, 80 % (70–90 %) after" in found.before_and_after
    assert "44" in found.kept and any("overfitting" in words or "new rows" in words for words in found.fitting)
    assert (found.data.train_rows, found.data.held_out_rows, found.data.files) == (80, 9, ("pirate-voice.jsonl",))
    assert found.data.notes == ("3 rows were truncated.",)
    assert (found.trained.parameters, found.trained.trainable) == (1000, 10)
    assert found.cost.money == pytest.approx(0.02) and found.cost.training_s == 20
    assert found.taught.question == "question 0" and found.taught.answer == "expected 0"
    assert [each.kind for each in found.examples.shown] == ["better", "better", "better", "worse", "wrong"]


def test_without_an_evaluation_it_works_and_says_what_is_missing(workspace, write_run):
    found = report(write_run(), workspace)
    assert found.scores is None and found.advice == "" and found.examples.shown == ()
    assert "not evaluated" in found.verdict and "Compare tab" in found.missing[0]
    assert "nothing here says that the tuned model is better" in found.limits[0]
    assert found.taught.question and found.taught.answer, "an example from the data itself"
    assert found.cost.money is None and found.cost.energy_kwh is None


def test_a_method_has_its_own_measure_beside_the_scores(workspace, write_run):
    pairs = {"path": "assets/samples/short-and-kind.jsonl"}
    found = report(write_run(method="dpo", metrics={"accuracy": 0.94}, data=pairs), workspace)
    assert any("prefers the chosen answer 94 % of the time" in words for words in found.fitting)
    assert found.taught.answer.startswith("Gladly!")


def test_a_reward_model_is_not_asked_for_answers(workspace, write_run):
    found = report(write_run(method="reward", metrics={"pair_accuracy": 0.9}), workspace)
    assert "rates answers and writes none" in found.verdict and found.missing == ()
    assert any("90 % of the time" in words for words in found.fitting)


def test_a_run_without_a_model_says_so(workspace, write_run):
    found = report(write_run(steps=3, state=""), workspace)
    assert "no tuned model yet" in found.verdict and "no tuned model yet" in found.missing[0] and found.usage == ""


def test_data_that_is_gone_costs_the_example_and_nothing_else(workspace, write_run):
    for path in ("gone.jsonl", "hf://datasets/someone/something"):
        found = report(write_run(data={"path": path}), workspace)
        assert found.taught.answer == "" and found.data.train_rows == 80


def test_a_large_file_is_not_read_for_one_example(workspace, write_run, monkeypatch):
    monkeypatch.setattr("finetune.evaluation.report.LARGEST_BYTES", 100)
    assert report(write_run(), workspace).taught.answer == ""


def test_plain_texts_are_an_example_without_a_question(workspace, write_run):
    found = report(write_run(data={"path": "assets/samples/handbook.txt"}, method="cpt"), workspace)
    assert found.taught.question == "" and len(found.taught.answer) > 20


def test_the_recipe_makes_an_equal_run_and_names_no_folder_of_this_machine(workspace, write_run, tmp_path):
    rows = tmp_path / "secret-folder" / "rows.jsonl"
    found = report(write_run(data={"path": str(rows), "also": [str(rows)]}, model={"id": "mine"}), workspace)
    recipe = Recipe.from_yaml(found.recipe)
    assert recipe.data.path == "rows.jsonl" and recipe.model.id == "mine" and recipe.name == "pirate voice"
    assert "secret-folder" not in to_json(found)
    plain = write_run()
    assert Recipe.from_yaml(report(plain, workspace).recipe) == plain.recipe


def test_hashes_and_versions_are_those_of_the_run(workspace, write_run):
    run = write_run()
    run.emit(Fingerprinted(rows="a" * 64, base="b" * 64))
    found = report(run, workspace)
    assert found.fingerprints == {"rows": "a" * 64, "base": "b" * 64} and found.versions == {"torch": "2.13.0"}


def test_votes_and_judges_have_their_say(workspace, write_run):
    run = scored.evaluated(write_run(), scored.scores(judged=scored.judged()))
    blind.drawn(run)
    assert len(report(run, workspace).opinions) == 1, "a blind test without a vote says nothing"
    blind.judge(run, "ann", ["tuned"] * 7 + ["base"])
    votes, judge = report(run, workspace).opinions
    assert votes.startswith("Blind test. ") and "7 of 8" in votes and "30 of 50 rows" in judge


def test_the_facts_are_json(workspace, write_run):
    run = scored.evaluated(write_run())
    found = facts(run, workspace)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["scores"]["asked"]["main"] == "exact_match" and yaml.safe_load(found["recipe"])["name"]
    assert json.loads(to_json(report(run, workspace)))["run"] == run.id

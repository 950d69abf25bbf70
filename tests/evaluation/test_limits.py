import pytest

from finetune.evaluation.limits import data_license, license_words, limits
from finetune.models.licenses import license_of
from finetune.recipe import Recipe
from finetune.runs.events import Ended, FellBack, Planned
from finetune.runs.view import fold
from tests import scored

PLANNED = {"total_steps": 20, "held_out_rows": 9, "trained_tokens": 1, "parameters": 1, "trainable": 1}


def said(scores=None, train_rows=1000, model="starter", method="sft", *events):
    recipe = Recipe.from_dict({"data": {"path": "r.jsonl"}, "model": {"id": model}, "method": {"type": method}})
    return " ".join(limits(recipe, fold([Planned(train_rows=train_rows, **PLANNED), *events]), scores))


def test_what_was_not_evaluated_is_not_known():
    assert said().startswith("Base and tuned were not evaluated")
    assert "What it has forgotten was not measured." in said(scored.scores(general=None, kept=None))


def test_few_rows_are_said_of_training_and_of_evaluation():
    few, many = scored.scores(), scored.scores(asked=scored.part("asked", scored.score(rows=500)))
    assert "With 50 rows the main figure of the tuned model is known roughly: 70–90 %." in said(few)
    assert "known roughly" not in said(many)
    assert "few rows (80)" in said(many, 80) and "few rows" not in said(many)


def test_the_caution_of_the_method_and_the_fallbacks_are_limits():
    recipe = Recipe.from_dict({"data": {"path": "r.jsonl"}, "method": {"type": "cpt"}})
    caution = recipe.method.caution(recipe.data)
    assert caution and caution in said(method="cpt")
    assert "Memory ran out." in said(None, 1000, "starter", "sft", FellBack(settings={}, reason="Memory ran out."))


def test_a_run_that_was_stopped_says_when():
    assert "stopped at step 0 of 20" in said(None, 1000, "starter", "sft", Ended(state="stopped"))
    assert "stopped" not in said(None, 1000, "starter", "sft", Ended(state="done"))


@pytest.mark.parametrize(
    ("model", "path", "words"),
    [
        ("starter", "assets/samples/sums.jsonl", "The license of the base and of the data is Apache 2.0."),
        ("starter", "mine.jsonl", "The license of the base is Apache 2.0; that of the data is not known here."),
        ("someone/unknown", "assets/samples/sums.jsonl", "license of the data is Apache 2.0; that of the base is not"),
        (
            "google/gemma-3-270m-it",
            "assets/samples/sums.jsonl",
            "base is Gemma terms of use; that of the data is Apache",
        ),
        ("someone/unknown", "mine.jsonl", "The licenses of the base and of the data are not known here."),
    ],
)
def test_a_license_is_named_only_where_it_is_known(model, path, words, tmp_path):
    recipe = Recipe.from_dict({"data": {"path": path}, "model": {"id": model}})
    assert words in license_words(recipe, license_of(recipe.model, tmp_path))


def test_the_license_of_the_data_is_that_of_all_of_it():
    data = {"path": "assets/samples/sums.jsonl"}
    assert data_license(Recipe.from_dict({"data": data})) == "Apache 2.0"
    for more in ({"also": ["mine.jsonl"]}, {"mix": [{"path": "mine.jsonl"}]}, {"replay": "mine.jsonl"}):
        assert data_license(Recipe.from_dict({"data": {**data, **more}})) == ""

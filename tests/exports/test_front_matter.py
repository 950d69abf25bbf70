import math

import pytest
from huggingface_hub import ModelCard

from finetune.exports.card import card
from finetune.exports.front_matter import front_matter
from finetune.recipe import Recipe
from tests import scored


def recipe(path="rows.jsonl", model="Qwen/Qwen3-0.6B", **changes) -> Recipe:
    return Recipe.from_dict({"name": "my: model", "data": {"path": path}, "model": {"id": model}, **changes})


def read(*given, scores=None, full=False) -> dict:
    """The metadata of a card as the Hub's own library reads it."""
    return ModelCard(front_matter(recipe(*given), scores, full) + "# x\n").data.to_dict()


def test_the_hub_reads_what_the_card_says():
    found = read()
    assert found["base_model"] == "Qwen/Qwen3-0.6B" and found["library_name"] == "peft"
    assert found["tags"] == ["finetune-studio", "sft", "lora"] and found["pipeline_tag"] == "text-generation"
    assert "license" not in found and "datasets" not in found and "model-index" not in found
    assert read(full=True)["library_name"] == "transformers"


@pytest.mark.parametrize("model", ["starter", "mine", "my own model"])
def test_a_base_that_the_hub_does_not_have_is_left_out(model):
    assert "base_model" not in read("rows.jsonl", model)


def test_a_dataset_of_the_hub_is_named():
    assert read("hf://datasets/someone/some-thing@main")["datasets"] == ["someone/some-thing"]


@pytest.mark.parametrize(
    ("path", "model", "license"),
    [
        ("assets/samples/pirate-voice.jsonl", "starter", "apache-2.0"),
        ("assets/samples/pirate-voice.jsonl", "someone/unknown", None),
        ("assets/samples/pirate-voice.jsonl", "google/gemma-3-270m-it", None),
        ("rows.jsonl", "starter", None),
    ],
)
def test_a_license_is_given_only_where_that_of_base_and_data_is_known(path, model, license):
    assert read(path, model).get("license") == license


def test_the_scores_are_a_model_index_that_comes_back_as_results():
    text = front_matter(recipe(), scored.scores(), False)
    results = ModelCard(text + "# x\n").data.eval_results
    found = {(each.task_name, each.metric_type): each for each in results}
    exact = found["Held-out rows", "exact_match"]
    assert exact.metric_value == 0.8 and exact.metric_args == {"base": 0.2, "rows": 50}
    assert exact.dataset_name == "rows.jsonl, held-out rows" and exact.metric_name == "Exact match"
    assert ("General questions", "contains") in found and len(found) == 4


def test_a_score_that_is_no_number_is_left_out():
    broken = scored.score("loss", 1.0, math.nan, better="lower")
    text = front_matter(recipe(), scored.scores(asked=scored.part("asked", scored.score(), broken)), False)
    assert "nan" not in text.lower().replace("finetune", "")


def test_the_whole_card_is_one_that_the_hub_reads(finished):
    found = ModelCard(card(scored.evaluated(finished)))
    assert found.data.library_name == "peft" and found.content.count("\n---\n") >= 1
    assert found.text.lstrip().startswith("# pirate voice") and len(found.data.eval_results) == 4

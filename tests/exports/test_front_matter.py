import math

import pytest
from huggingface_hub import ModelCard

from finetune.exports.card import card
from finetune.exports.front_matter import Form, front_matter
from finetune.models.licenses import License
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


def made_as(relation: str) -> Form:
    return Form("gguf", ("gguf",), relation, "sh", "run it")


def licensed(base, **changes) -> dict:
    return ModelCard(front_matter(recipe(), None, False, base, **changes) + "# x\n").data.to_dict()


def test_the_license_is_that_of_the_base_and_one_that_is_not_known_is_left_out():
    assert "license" not in licensed(None)
    assert licensed(License("llama3.1"))["license"] == "llama3.1"
    own = licensed(License("other", "lfm1.0", "https://example.org/LICENSE"))
    assert own["license"] == "other" and own["license_name"] == "lfm1.0"
    assert own["license_link"] == "https://example.org/LICENSE"
    assert "license_name" not in licensed(License("mit", "x", "https://example.org"))


def test_what_was_made_of_the_base_is_said_where_the_hub_has_it():
    assert licensed(None)["base_model_relation"] == "adapter"
    assert licensed(None, form=made_as("quantized"))["base_model_relation"] == "quantized"
    assert read(full=True)["base_model_relation"] == "finetune"
    assert "base_model_relation" not in read("rows.jsonl", "starter")


@pytest.mark.parametrize(
    ("method", "adapter"), [("sft", "lora"), ("dpo", "full"), ("grpo", "qlora"), ("reward", "ia3")]
)
def test_the_hub_accepts_every_card(hub, method, adapter):
    for name in ("my: model", *scored.HOSTILE):
        made = recipe(method={"type": method}, adapter={"type": adapter}, name=" ".join(name.split())[:80] or "x")
        for base in (None, License("gemma"), License("other", "its own", "https://example.org/a")):
            card = ModelCard(front_matter(made, scored.scores(), adapter == "full", base) + "# x\n")
            card.validate()
            found = card.data.to_dict()
            assert found["model-index"][0]["name"] == made.name and set(found) & {"tags", "pipeline_tag"}
    assert len(hub.validated) >= 6


def test_a_card_that_the_hub_does_not_accept_is_refused_by_the_stand_in(hub):
    for license, relation in (("my own", "adapter"), ("mit", "child")):
        with pytest.raises(ValueError, match="must be one of"):
            head = front_matter(recipe(), None, False, License(license), made_as(relation))
            ModelCard(head + "# x\n").validate()


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

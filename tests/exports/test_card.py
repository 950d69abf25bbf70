import json

import pytest
from huggingface_hub import ModelCard

from finetune.adapters import ADAPTERS
from finetune.exports.card import card
from finetune.recipe import Recipe
from finetune.runs.events import Evaluated, FellBack
from tests import scored


def test_the_model_card_describes_the_model_and_how_to_load_it(finished):
    text = card(finished)
    for part in (
        "# pirate voice",
        "starter model",
        "`pirate.jsonl`, 300 rows",
        "Trained on: ",
        "Trainable parameters: ",
        "Held-out loss: 1.250 nats per token",
        "PeftModel.from_pretrained",
        "License",
    ):
        assert part in text
    assert "uploads/" not in text


def test_the_unit_of_the_loss_is_that_of_the_method(workspace):
    for method, shown in (("dpo", "1.250 nats per pair"), ("kto", "1.250")):
        run = workspace.create(Recipe.from_dict({"data": {"path": "pairs.jsonl"}, "method": {"type": method}}))
        run.emit(Evaluated(step=3, loss=1.25))
        assert f"- Held-out loss: {shown}\n" in card(run)


def test_a_run_that_fell_back_to_an_adapter_is_described_as_one(workspace):
    run = workspace.create(Recipe.from_dict({"data": {"path": "rows.jsonl"}, "adapter": {"type": "full"}}))
    assert "PeftModel" not in card(run)
    run.emit(FellBack(settings={"adapter.type": "qlora"}, reason="Memory ran out."))
    assert "PeftModel" in card(run) and ADAPTERS["qlora"].engineer in card(run)


def test_an_adapter_for_experts_says_who_cannot_read_it_all(workspace):
    run = workspace.create(Recipe.from_dict({"data": {"path": "rows.jsonl"}}))
    run.model_dir.mkdir()
    for names, said in (([], False), (["experts.down_proj"], True)):
        (run.model_dir / "adapter_config.json").write_text(json.dumps({"target_parameters": names}))
        assert ("export the merged model" in card(run)) == said
        assert "export the merged model" not in card(run, merged="merged into the base")


def test_the_card_says_whether_it_is_better_with_every_score_before_and_after(finished):
    assert "## Evaluation" not in card(finished) and "not evaluated" in card(finished)
    text = card(scored.evaluated(finished))
    assert "Better than the base" in text and "It kept 98 % of what it knew" in text
    assert "| Exact match | 20 % (10–30 %) | 80 % (70–90 %) | +60 points (+50 to +70) |" in text
    assert "| Contains, general questions | 90 %" in text and "expected 0" not in text, "no row of the data is in it"


def test_a_name_is_text_and_no_markdown(workspace):
    for text in scored.HOSTILE:
        values = {
            "name": text[:80],
            "data": {"path": f"{text}/`{text}".replace("/", "x")},
            "model": {"id": "a`" + "".join(each for each in text if each.isprintable() and each not in "/:\\")},
        }
        body = card(workspace.create(Recipe.from_dict(values))).split("\n---\n", 1)[1]
        outside = "".join(body.split("`")[::2]).split("## Load it")[0]
        for sign in ("<", "![", "]("):
            assert outside.replace(f"\\{sign[0]}", "").count(sign) == 0, outside


def test_the_license_of_the_base_and_what_it_asks_for_are_in_the_card(finished, workspace):
    assert "license: apache-2.0" in card(finished) and "restricts" not in card(finished)
    recipe = finished.recipe.changed(**{"model.id": "meta-llama/Llama-3.2-1B-Instruct"})
    finished.path.joinpath("recipe.yaml").write_text(recipe.to_yaml(full=True))
    text = card(finished)
    assert "\nlicense: llama3.2\n" in text and "Built with Llama" in text.split("## Limits")[1]
    assert "The license of the base is Llama 3.2 community license; that of the data is not known" in text
    assert "base_model_relation: adapter" in text
    folder = workspace.models_dir / "mine"
    folder.mkdir()
    finished.path.joinpath("recipe.yaml").write_text(recipe.changed(**{"model.id": "mine"}).to_yaml(full=True))
    assert "license:" not in card(finished) and "not known here" in card(finished)
    (folder / "LICENSE").write_text("Gemma Terms of Use\n")
    assert "license: gemma" in card(finished)


def test_a_card_for_a_repository_loads_it_by_its_name(finished):
    assert 'PeftModel.from_pretrained(base, "me/pirate")' in card(finished, repo="me/pirate")
    merged = card(finished, merged="Merged.", repo="me/pirate")
    assert 'AutoModelForCausalLM.from_pretrained("me/pirate")' in merged


@pytest.mark.parametrize("adapter", ["lora", "full"])
@pytest.mark.parametrize("method", ["sft", "reward"])
def test_the_hub_accepts_the_card(hub, workspace, method, adapter):
    for name in ("pirate", *scored.HOSTILE):
        values = {"name": " ".join(name.split())[:80] or "x", "data": {"path": "rows.jsonl"}}
        run = workspace.create(Recipe.from_dict({**values, "method": {"type": method}, "adapter": {"type": adapter}}))
        for merged in ("", "Merged."):
            found = ModelCard(card(scored.evaluated(run) if not merged else run, merged=merged, repo="ada/x"))
            found.validate()
            assert found.data.license == "apache-2.0" and found.data.model_name == run.recipe.name
            is_whole = adapter == "full" or merged
            assert found.data.library_name == ("transformers" if is_whole else "peft")
            assert found.data.pipeline_tag == ("text-classification" if method == "reward" else "text-generation")

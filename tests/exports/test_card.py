import json

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

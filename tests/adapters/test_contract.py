"""The contract of every adapter, held against plain PEFT and plain Transformers."""

import json

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.adapters import ADAPTERS
from finetune.adapters.peft import KINDS
from finetune.errors import RunError
from finetune.exports import TARGETS
from finetune.fit.estimate import estimate_fit
from finetune.inference.chat import Pair
from finetune.inference.sampling import Sampling
from finetune.training import train as training
from tests.training.test_train import digests, pausing, recipe

__all__ = ["pausing"]

CASES = {name: {"adapter": name} for name in ADAPTERS if name not in ("full", "qlora", "peft")} | {
    **{kind: {"adapter": "peft", "adapter.kind": kind, "adapter.size": 16} for kind in KINDS},
    "rslora": {"adapter": "lora", "adapter.rslora": True, "adapter.rank": 4},
    "dora": {"adapter": "lora", "adapter.dora": True},
    "pissa": {"adapter": "lora", "adapter.init": "pissa", "adapter.rank": 4},
    "olora": {"adapter": "lora", "adapter.init": "olora", "adapter.rank": 4, "adapter.rslora": True},
    "b_rate": {"adapter": "lora", "adapter.b_rate": 4.0},
    "attention": {"adapter": "lora", "adapter.target_modules": "attention"},
    "named": {"adapter": "lora", "adapter.target_modules": "q_proj, up_proj"},
    "embeddings": {"adapter": "lora", "adapter.modules_to_save": "embed_tokens, lm_head"},
    "layers": {"adapter": "freeze", "adapter.modules": "mlp.down_proj", "adapter.norm_and_head": True},
    "pfeiffer": {"adapter": "bottleneck", "adapter.places": "pfeiffer", "adapter.size": 8},
    "lstm": {"adapter": "ptuning", "adapter.encoder": "LSTM"},
}
"""Each adapter with its defaults, and settings that change what is saved; full and QLoRA have tests of their own."""
QUICK = {"freeze", "prompt", "ptuning", "ia3", "ln_tuning", "bitfit", "pissa", "embeddings", "adalora", "bottleneck"}
QUESTION = [{"role": "user", "content": "What of the sea?"}]
IDS = torch.arange(60, 90)[None]


def settings(case: str) -> dict:
    """A recipe in fp32, where equal means equal, with a rate at which eight steps show."""
    given = {name.removeprefix("adapter."): value for name, value in CASES[case].items() if name != "adapter"}
    adapter = ADAPTERS[CASES[case]["adapter"]](**given)
    rate = min(0.3, max(5e-3, 5e-4 * adapter.rate_factor))
    return {**CASES[case], "training.precision": "fp32", "training.learning_rate": rate}


def heavy_but(quick):
    return [pytest.param(case, marks=[] if case in quick else [pytest.mark.heavy]) for case in CASES]


def plain(folder, base):
    """The saved model as a person loads it without this program."""
    if (folder / "config.json").exists():
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return PeftModel.from_pretrained(base, folder).eval()


def untouched(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.mark.parametrize("case", heavy_but(QUICK))
def test_it_learns_and_a_plain_library_loads_what_was_trained(case, trained, with_tiny, tiny_model, monkeypatch):
    seen, save = {}, training.save

    def save_and_see(model, *given):
        with torch.no_grad():
            seen["logits"] = model.eval()(input_ids=IDS).logits[:, -IDS.shape[1] :].float()
        save(model, *given)

    monkeypatch.setattr(training, "save", save_and_see)
    run = trained(**settings(case))
    losses = [evaluation.loss for evaluation in run.view().evaluations]
    assert losses[-1] < losses[0] - 0.01
    with torch.no_grad():
        tuned = plain(run.model_dir, untouched(tiny_model))
        logits = tuned(input_ids=IDS, attention_mask=torch.ones_like(IDS)).logits[:, -IDS.shape[1] :]
    is_whole = run.recipe.adapter.trains_base()
    rounded = 0.05 if is_whole else 1e-4  # a whole model is saved in bf16
    assert (logits - seen["logits"]).square().mean().sqrt() < rounded * seen["logits"].std()

    pair = Pair.load(run, with_tiny)
    *_, reply = pair.reply(QUESTION, QUESTION, Sampling(greedy=True, max_tokens=16))
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    batch = tokenizer.apply_chat_template(QUESTION, add_generation_prompt=True, return_tensors="pt", return_dict=True)

    def answer(model):
        output = model.generate(**batch, max_new_tokens=16, do_sample=False)
        return tokenizer.decode(output[0, batch["input_ids"].shape[1] :], skip_special_tokens=True).rstrip("\ufffd")

    assert reply.base == answer(untouched(tiny_model))
    assert reply.tuned == answer(plain(run.model_dir, untouched(tiny_model))) != reply.base
    first, last = run.view().samples[0].answers, run.view().samples[-1].answers
    asked = [{"role": "user", "content": first[0].prompt}]
    *_, sampled = pair.reply(asked, asked, Sampling(greedy=True, max_tokens=4))
    assert first[0].base.rstrip("\ufffd") == sampled.base and last[0].base == first[0].base
    assert is_whole or last[0].tuned.rstrip("\ufffd") == sampled.tuned


@pytest.mark.parametrize("case", heavy_but({"ptuning", "adalora", "b_rate"}))
def test_a_resumed_run_equals_an_uninterrupted_one(case, trained, with_tiny, tmp_path, pausing):
    whole = trained(**settings(case))
    run = with_tiny.create(recipe(tmp_path, **settings(case)))
    pausing(run, 3)
    assert run.view().state == "paused" and not run.view().has_model
    run.requeue()
    with run.held():
        training.train(run, with_tiny)
    assert [step.loss for step in run.view().steps] == [step.loss for step in whole.view().steps]
    assert digests(run) == digests(whole)


@pytest.mark.parametrize("case", heavy_but({"ia3", "ptuning"}))
def test_it_merges_or_is_refused_in_words(case, trained, with_tiny, tiny_model, tmp_path):
    run = trained(**settings(case))
    if not run.recipe.adapter.merges:
        with pytest.raises(RunError, match="cannot be merged"):
            TARGETS["merged"].write(run, with_tiny, tmp_path / "out")
        return
    folder, _, _ = TARGETS["merged"].write(run, with_tiny, tmp_path / "out")
    with torch.no_grad():
        merged = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()(input_ids=IDS).logits
        beside = plain(run.model_dir, untouched(tiny_model))(input_ids=IDS).logits
    assert (merged - beside).square().mean().sqrt() < 0.05 * beside.std()  # saved in bf16


@pytest.mark.parametrize("case", CASES)
def test_the_trained_parameters_are_known_before_the_start(case, with_tiny, tmp_path, tiny_model):
    given = recipe(tmp_path, **settings(case))
    fit = estimate_fit(given, with_tiny, gpus=False)
    base = untouched(tiny_model)
    assert fit.parameters == sum(weight.numel() for weight in base.parameters())
    given.adapter.choose_weights(base)
    if config := given.adapter.peft_config(base):
        from peft import get_peft_model

        base = get_peft_model(base, config)
    assert fit.trainable == sum(weight.numel() for weight in base.parameters() if weight.requires_grad) > 0


@pytest.mark.heavy
@pytest.mark.parametrize("case", CASES)
def test_activation_checkpointing_changes_nothing_or_is_refused(case, trained, tmp_path):
    asked = {"training.activation_checkpointing": True}
    if not ADAPTERS[CASES[case]["adapter"]].checkpoints_activations:
        assert "activation checkpointing" in recipe(tmp_path, **settings(case), **asked).check()[0].message
        return
    short = settings(case) | {"training.max_steps": 3, "evaluation.times": 0}
    kept, recomputed = (trained(**short, **more).view().steps for more in ({}, asked))
    assert [step.loss for step in recomputed] == pytest.approx([step.loss for step in kept], abs=1e-4)


@pytest.mark.heavy
@pytest.mark.parametrize("case", CASES)
def test_another_run_trains_it_further_or_it_is_refused(case, trained):
    first = trained(**settings(case))
    if not first.recipe.adapter.continues:
        with pytest.raises(ValueError, match="keeps only what answers need"):
            trained(**settings(case), **{"model.run": first.id})
        return
    slower = {"training.learning_rate": settings(case)["training.learning_rate"] / 10}
    second = trained(**settings(case) | slower | {"model.run": first.id})
    losses = [run.view().evaluations for run in (first, second)]
    assert losses[1][0].loss == pytest.approx(losses[0][-1].loss, abs=0.05)
    assert losses[1][-1].loss < losses[1][0].loss


def test_each_case_has_a_recipe_that_is_read_back(tmp_path):
    for case in CASES:
        made = recipe(tmp_path, **settings(case))
        assert type(made).from_yaml(made.to_yaml()) == made and json.dumps(made.to_dict())

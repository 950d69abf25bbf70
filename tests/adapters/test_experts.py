"""Experts with an adapter, held against plain PEFT: trained, saved, merged and compared."""

import json
import math

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file

from finetune.adapters.experts import active, fused
from finetune.adapters.lora import LoRA
from finetune.adapters.qlora import QLoRA
from finetune.adapters.targets import quantized_share
from finetune.errors import RecipeError
from finetune.exports import TARGETS
from finetune.inference.chat import Pair
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.training.train import train
from tests import zoo
from tests.inference.families import greedy, walk
from tests.training.test_train import asking, digests

FAMILIES = ("qwen3_moe", "granitemoe", "gpt_oss", "llama4_text", "deepseek_v3", "mixtral", "jetmoe", "qwen2_moe")
IDS = torch.arange(20, 44)[None]
WORDS = ["sea", "the sky over the hills", "a long tale of the moon and of the stars above it all"] * 8
FAST = {"max_steps": 2, "batch_size": 8, "precision": "fp32", "learning_rate": 0.02}


def recipe(name, folder, **settings):
    turn = [{"role": "user", "content": "What?"}]
    chats = [{"messages": [*turn, {"role": "assistant", "content": word}]} for word in WORDS]
    pairs = [
        {"prompt": turn, "chosen": [{"role": "assistant", "content": word}],
         "rejected": [{"role": "assistant", "content": f"No, {word}."}]}
        for word in WORDS
    ]  # fmt: skip
    rows = pairs if settings.get("method.type") == "dpo" else chats
    path = folder / f"{settings.get('method.type', 'sft')}.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    given = {"model": {"id": name}, "data": {"path": str(path)}, "adapter": {"type": "lora", "rank": 4}}
    return Recipe.from_dict(given | {"training": FAST, "evaluation": {"times": 1, "max_tokens": 4}}).changed(**settings)


def trained(name, workspace, folder, **settings):
    if not (workspace.models_dir / name).exists():
        zoo.write(name, workspace.models_dir / name)
    run = workspace.create(recipe(name, folder, **settings))
    with run.held():
        train(run, workspace)
    assert run.view().state == "done"
    return run


def base(name, workspace):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(workspace.models_dir / name, dtype=torch.float32).eval()


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS).logits


def check(name, workspace, folder):
    run = trained(name, workspace, folder)
    saved = load_file(run.model_dir / "adapter_model.safetensors")
    moved = {key for key, weight in saved.items() if "lora_B" in key and weight.any()}
    assert any("experts" in key or "mlp.base_layer" in key or "_linear" in key for key in moved)
    assert not any(".gate.lora" in key or "router" in key for key in saved)
    untouched = logits(base(name, workspace))
    tuned = PeftModel.from_pretrained(base(name, workspace), run.model_dir).eval()
    expected = logits(tuned)
    assert (expected - untouched).abs().max() > 0.1 * untouched.std()
    with tuned.disable_adapter():
        assert torch.equal(logits(tuned), untouched)

    pair = Pair.load(run, workspace)
    assert pair.how.value == "sequential"
    precise = pair.decoding.model.dtype
    prompts = list(range(20, 27)), list(range(20, 32))
    plain = base(name, workspace).to(precise)
    assert walk(pair.decoding, prompts, 8) == [
        greedy(plain, prompts[0], 8),
        greedy(PeftModel.from_pretrained(plain, run.model_dir).eval(), prompts[1], 8),
    ]

    merged = tuned.merge_and_unload()
    assert (logits(merged) - expected).abs().max() < 1e-3 * expected.abs().max()
    path, _, _ = TARGETS["merged"].write(run, workspace, folder / "out")
    exported, own = load_file(path / "model.safetensors"), load_file(workspace.models_dir / name / "model.safetensors")
    assert exported.keys() == own.keys()
    rounded = merged.to(torch.bfloat16).state_dict()
    workspace.models_dir.joinpath("merged").symlink_to(path)
    loaded = base("merged", workspace).state_dict()
    assert all(torch.equal(loaded[key], weight.float()) for key, weight in rounded.items())


def test_experts_are_trained_saved_merged_and_compared_as_plain_peft_has_them(workspace, tmp_path):
    check("qwen3_moe", workspace, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("name", FAMILIES[1:])
def test_every_family_of_experts(name, workspace, tmp_path):
    check(name, workspace, tmp_path)


@pytest.mark.parametrize("name", FAMILIES)
def test_all_experts_and_no_router_have_an_adapter_of_a_share_of_the_rank(name):
    model = zoo.model(name)
    shapes, count = [tuple(weight.shape) for weight in fused(model).values()], active(model)
    assert shapes and count == 2
    tuned = get_peft_model(model, LoRA(rank=8, alpha=16).peft_config(model))
    wrappers = [part for part in tuned.modules() if type(part).__name__ == "ParamWrapper" and part.num_experts > 1]
    assert sorted(tuple(part.get_param().shape) for part in wrappers) == sorted(shapes)
    for part in wrappers:
        assert (part.r["default"], part.scaling["default"]) == (4, 2.0)
        assert part.lora_A["default"].out_features == 4 * part.num_experts
    others = [part for part in tuned.modules() if hasattr(part, "lora_A") and part not in wrappers]
    assert others and all((part.r["default"], part.scaling["default"]) == (8, 2.0) for part in others)
    routers = [key for key, _ in tuned.named_parameters() if "lora" in key and ("router" in key or ".gate." in key)]
    assert routers == []


def test_dense_layers_and_shared_experts_beside_experts_have_theirs():
    """PEFT alone takes their ``gate_proj`` for that of an expert, and leaves them without one."""
    plain = get_peft_model(zoo.model("deepseek_v3"), LoraConfig(r=2, target_modules="all-linear"))
    assert not any("shared_experts" in key for key, weight in plain.named_parameters() if weight.requires_grad)
    model = zoo.model("deepseek_v3")
    own = get_peft_model(model, LoRA(rank=2).peft_config(model)).train()
    own(input_ids=IDS).logits.square().mean().backward()
    for part in ("layers.0.mlp.gate_proj.", "shared_experts.down_proj.", "experts.lora_B", "q_a_proj."):
        grads = [weight.grad for key, weight in own.named_parameters() if part in key and "lora_B" in key]
        assert grads and all(grad.abs().max() > 0 for grad in grads), part


@pytest.mark.parametrize("settings", [{"experts": False}, {"dropout": 0.1}])
def test_experts_can_be_left_out_and_are_with_dropout(settings):
    model = zoo.model("qwen3_moe")
    tuned = get_peft_model(model, LoRA(rank=2, **settings).peft_config(model))
    assert all("self_attn" in key for key, weight in tuned.named_parameters() if weight.requires_grad)


def test_dpo_is_measured_against_the_base(workspace, tmp_path):
    first = trained("qwen3_moe", workspace, tmp_path)
    for settings in ({}, {"model.run": first.id}):
        run = trained("qwen3_moe", workspace, tmp_path, **{"method.type": "dpo", **settings})
        first_step, second_step = run.view().steps
        assert first_step.metrics["margin"] == 0 != second_step.metrics["margin"]
        # The rest is the routers' own loss, which the model's config asks for.
        assert first_step.loss == pytest.approx(math.log(2), abs=0.01)


def test_a_run_is_trained_further_with_the_experts_that_it_has(workspace, tmp_path):
    first = trained("qwen3_moe", workspace, tmp_path)
    further = trained("qwen3_moe", workspace, tmp_path, **{"model.run": first.id, "training.learning_rate": 1e-9})
    before, after = (load_file(run.model_dir / "adapter_model.safetensors") for run in (first, further))
    assert before.keys() == after.keys()
    assert all(torch.allclose(before[key], after[key], atol=1e-6) for key in before)
    with pytest.raises(RecipeError, match="keeps `adapter.experts` True, but the recipe says False"):
        trained("qwen3_moe", workspace, tmp_path, **{"model.run": first.id, "adapter.experts": False})


@pytest.mark.parametrize("name", ["qwen3_moe", "deepseek_v3"])
def test_a_resumed_run_equals_an_uninterrupted_one(name, workspace, tmp_path, monkeypatch):
    settings = {"training.max_steps": 5, "training.save_steps": 1, "training.learning_rate": 0.002}
    whole = trained(name, workspace, tmp_path, **settings)
    run = workspace.create(recipe(name, tmp_path, **settings))
    with monkeypatch.context() as patch, run.held():
        patch.setattr(Run, "emit", asking(run.emit, run, 3))
        train(run, workspace)
    assert run.view().state == "paused"
    run.requeue()
    with run.held():
        train(run, workspace)
    assert [step.loss for step in run.view().steps] == [step.loss for step in whole.view().steps]
    assert digests(run) == digests(whole)


def test_activation_checkpointing_changes_nothing(workspace, tmp_path):
    runs = [
        trained("qwen3_moe", workspace, tmp_path, **{"training.activation_checkpointing": is_on})
        for is_on in (False, True)
    ]
    assert [step.loss for step in runs[0].view().steps] == [step.loss for step in runs[1].view().steps]


def test_experts_stay_in_16_bits_where_the_base_is_quantized_and_are_trained(workspace, tmp_path):
    from bitsandbytes.nn import Linear4bit

    from finetune.models.loading import load_weights

    run = trained("qwen3_moe", workspace, tmp_path, **{"adapter.type": "qlora", "training.precision": "bf16"})
    notes = run.view().notes
    model = load_weights(workspace.models_dir / "qwen3_moe", torch.bfloat16, "cpu", QLoRA().quantization())
    assert {weight.dtype for weight in fused(model).values()} == {torch.bfloat16}
    saved = load_file(run.model_dir / "adapter_model.safetensors")
    assert any("experts" in key and "lora_B" in key and weight.any() for key, weight in saved.items())
    share = sum(part.in_features * part.out_features for part in model.modules() if isinstance(part, Linear4bit))
    share /= sum(weight.numel() for weight in base("qwen3_moe", workspace).parameters())
    assert 0 < share < 0.5 and quantized_share(model) == pytest.approx(share, abs=1e-3)
    assert any(f"Only {quantized_share(model):.0%} of the weights are in 4 bits" in note.message for note in notes)
    tuned = PeftModel.from_pretrained(model, run.model_dir).eval()
    with tuned.disable_adapter():
        without = logits(tuned)
    assert (logits(tuned) - without).abs().max() > 0.1


def test_the_estimate_counts_them(workspace, tmp_path):
    from finetune.fit.estimate import estimate_fit

    run, in_16_bits = trained("qwen3_moe", workspace, tmp_path), {"training.precision": "bf16"}
    fits = {
        is_on: estimate_fit(recipe("qwen3_moe", tmp_path, **in_16_bits, **{"adapter.experts": is_on}), workspace)
        for is_on in (True, False)
    }
    assert fits[True].trainable == run.view().trainable > 2 * fits[False].trainable
    assert fits[True].estimate_bytes > fits[False].estimate_bytes > 0


@pytest.mark.parametrize(("name", "experts"), [("deepseek_v3", True), ("qwen3_moe", False), ("granitemoe", True)])
def test_the_script_trains_the_same_layers(name, experts, workspace, tmp_path):
    run = trained(name, workspace, tmp_path, **{"adapter.experts": experts})
    script, _, _ = TARGETS["script"].write(run, workspace, tmp_path / "script")
    text = script.read_text(encoding="utf-8")
    written = text[text.index("ADAPTER = LoraConfig(") + len("ADAPTER = ") :]
    config = eval(written[: written.index("\n)") + 2], {"LoraConfig": LoraConfig})  # our own source
    again = get_peft_model(zoo.model(name), config)
    own = LoRA(rank=4, experts=experts).peft_config(model := zoo.model(name))
    expected = get_peft_model(model, own)
    assert shapes(again) == shapes(expected)


def shapes(model) -> dict:
    return {name: weight.shape for name, weight in model.named_parameters() if weight.requires_grad}

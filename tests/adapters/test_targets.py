"""What LoRA covers, counted on real layers of tiny models."""

import re

import pytest
import torch
from peft import get_peft_model

from finetune.adapters.lora import LoRA
from finetune.adapters.targets import coverage, coverage_note, kept_whole, left_out
from tests import zoo


def tuned(name, **settings):
    model = zoo.model(name)
    return get_peft_model(model, LoRA(rank=2, **settings).peft_config(model))


def wrapped(model) -> set[str]:
    return {name.partition(".lora_A")[0] for name, _ in model.named_parameters() if ".lora_A." in name}


@pytest.mark.parametrize("name", ["llama", "qwen2", "gpt2", "falcon", "phi3", "gemma3_text", "bloom"])
def test_dense_models_have_the_adapters_of_all_linear(name):
    from peft import LoraConfig

    model = zoo.model(name)
    assert left_out(model) == []
    plain = get_peft_model(zoo.model(name), LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    own = get_peft_model(model, LoRA(rank=2).peft_config(model))
    assert wrapped(own) == wrapped(plain) != set()
    assert coverage_note(own, "LoRA") == ""


@pytest.mark.parametrize(
    "name",
    [
        "falcon_h1",
        "nemotron_h",
        "mamba",
        "jamba",
        "bamba",
        "llama4_text",
        "phimoe",
        "deepseek_v32",
        "longcat_flash",
        "jetmoe",
        "hunyuan_v1_moe",
    ],
)
def test_what_cannot_carry_an_adapter_is_left_out_and_the_rest_is_trained(name):
    model = tuned(name).train()
    logits = model(input_ids=torch.arange(20, 44)[None], use_cache=False).logits
    logits.float().square().mean().backward()
    trained = {key: weight.grad for key, weight in model.named_parameters() if "lora_B" in key}
    assert trained and all(grad is not None and grad.abs().max() > 0 for grad in trained.values())
    assert not any("out_proj" in key and "mamba" in key for key in trained)


@pytest.mark.parametrize("name", ["gemma3", "gemma4"])
def test_pictures_have_no_adapter(name):
    model = tuned(name)
    assert wrapped(model) and all("language_model" in name for name in wrapped(model))
    assert coverage_note(model, "LoRA") == ""


@pytest.mark.parametrize("settings", [{"experts": False}, {"dropout": 0.1}])
@pytest.mark.parametrize(
    ("name", "most"), [("granitemoe", 0.2), ("qwen2_moe", 0.6), ("granitemoehybrid", 0.3), ("mixtral", 0.2)]
)
def test_a_share_is_said_where_experts_have_none(name, most, settings):
    share, others = coverage(model := tuned(name, **settings))
    assert share < most and "experts.gate_up_proj" in others
    assert coverage_note(model, "LoRA").startswith(f"LoRA covers {share:.0%} of the weights")


@pytest.mark.parametrize("name", ["mixtral", "deepseek_v3", "gpt_oss"])
def test_experts_that_are_covered_count(name):
    assert coverage(tuned(name))[0] > 0.95 and coverage_note(tuned(name), "LoRA") == ""


TABLES = r"embed|\bwte\b|lm_head|norm|A_log|\bD$|dt_bias|conv1d|score_correction|bias$"
"""Weights of a decoder that no LoRA is for: tables of tokens, norms, and the small vectors of a mixer."""


@pytest.mark.parametrize(
    "name",
    [
        "qwen2_moe", "granitemoe", "granitemoehybrid", "qwen3_5_moe_text", "lfm2_moe", "deepseek_v3", "glm4_moe",
        "ernie4_5_moe", "mixtral", "qwen3_moe", "olmoe",
    ],
)  # fmt: skip
def test_a_mixture_of_experts_is_changed_as_a_whole_or_it_is_said(name):
    """By the weights alone: those that are others once the adapter is merged."""
    model = tuned(name)
    note = coverage_note(model, "LoRA")
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if "lora_B" in key:
                weight.normal_()
    merged, untouched = model.merge_and_unload().state_dict(), zoo.model(name).state_dict()
    assert merged.keys() == untouched.keys()
    large = {key for key, weight in untouched.items() if weight.ndim > 1 and not re.search(TABLES, key)}
    changed = {key for key in untouched if not torch.equal(merged[key], untouched[key])}
    share = sum(untouched[key].numel() for key in large & changed) / sum(untouched[key].numel() for key in large)
    assert changed <= large and (share > 0.95 or f"covers {share:.0%}" in note), (sorted(large - changed), note)


WHOLE = {
    "mamba": {"dt_proj", "x_proj", "out_proj"},
    "falcon_h1": {"out_proj"},
    "gemma3n_text": {"correction_coefs", "prediction_coefs"},
    "llama4_text": {"router"},
    "deepseek_v4": {"o_a_proj"},
}


@pytest.mark.parametrize("name", [*WHOLE, "llama", "gpt2", "bloom", "falcon", "qwen3_5_text"])
def test_a_weight_that_a_model_reads_itself_is_not_quantized(name):
    found = {each.rpartition(".")[2] for each in kept_whole(zoo.model(name))}
    assert found == WHOLE.get(name, set())


def test_a_layer_that_is_linear_by_name_alone_gets_no_adapter():
    """DeepSeek V4 projects groups of heads by blocks of one weight, which is no product with it."""
    model = tuned("deepseek_v4").train()
    assert not any("o_a_proj" in name for name in wrapped(model)) and any("o_b_proj" in name for name in wrapped(model))
    assert torch.isfinite(model(input_ids=torch.arange(20, 44)[None], use_cache=False).logits).all()


def test_a_decoder_that_is_the_head_is_not_all_there_is():
    model = zoo.model("modernbert-decoder")
    assert isinstance(model.get_decoder(), torch.nn.Linear)
    assert any("layers.0" in name for name in wrapped(tuned("modernbert-decoder")))

"""AdaLoRA, held against what PEFT says of its ranks."""

import json

import pytest
import torch
from peft import get_peft_model
from pydantic import ValidationError
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from finetune.adapters.adalora import AdaLoRA


def test_ranks_only_fall():
    with pytest.raises(ValidationError, match="start_rank must be above rank"):
        AdaLoRA(rank=8, start_rank=8)


def test_a_run_ends_with_as_many_ranks_as_it_was_given(trained):
    run = trained(adapter="adalora", **{"adapter.rank": 2, "adapter.start_rank": 4, "training.learning_rate": 0.02})
    config = json.loads((run.model_dir / "adapter_config.json").read_text())
    kept = [sum(ranks) for ranks in config["rank_pattern"].values()]
    assert len(kept) == 14 and sum(kept) == pytest.approx(2 * len(kept), abs=1) and len(set(kept)) > 1
    assert config["total_step"] == 8 and config["tfinal"] == 2
    weights = load_file(run.model_dir / "adapter_model.safetensors")
    assert sum(weight.shape[0] for name, weight in weights.items() if "lora_A" in name) == sum(kept)


def test_the_penalty_is_not_in_the_loss(trained):
    settings = {"adapter": "adalora", "training.max_steps": 1, "training.precision": "fp32"}
    plain, strict = (trained(**settings, **{"adapter.orthogonality": each}).view() for each in (0.0, 10.0))
    lora = trained(**settings | {"adapter": "lora"}).view()
    assert plain.evaluations[0].loss == strict.evaluations[0].loss == pytest.approx(lora.evaluations[0].loss, rel=1e-6)
    assert plain.steps[0].loss == strict.steps[0].loss


def test_the_number_of_ranks_is_not_trained_since_it_is_not_saved(trained, tiny_model):
    run = trained(adapter="adalora", **{"training.precision": "bf16", "training.max_steps": 2})
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.bfloat16)
    tuned = get_peft_model(model, AdaLoRA().peft_config(model))
    trained_ones = [weight for name, weight in tuned.named_parameters() if "lora_" in name]
    assert run.view().trainable == sum(weight.numel() for weight in trained_ones)

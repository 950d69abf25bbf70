import pytest
import torch
from transformers import AutoModelForCausalLM

from finetune.machine.attention import FUSED, SHORT, SHORT_IN_FP32, attend, choose_attention, use
from finetune.machine.hardware import GIB, Machine

CPU = Machine("cpu", "CPU", 2, 16 * GIB)


def test_the_choice_follows_from_the_device_and_the_precision():
    assert choose_attention(CPU, "bf16").value == SHORT_IN_FP32
    assert choose_attention(CPU, "fp32").value == FUSED
    assert choose_attention(Machine("cuda", "GPU", 8, 64 * GIB, 24 * GIB), "bf16").value == FUSED
    assert choose_attention(CPU, "bf16").reason and choose_attention(CPU, "fp32").reason


@pytest.mark.parametrize(("tokens", "is_short"), [(SHORT, True), (SHORT + 1, False)])
def test_short_sequences_are_computed_in_fp32(tokens, is_short, monkeypatch):
    dtypes, fused = [], torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(
        torch.nn.functional,
        "scaled_dot_product_attention",
        lambda query, *rest, **named: dtypes.append(query.dtype) or fused(query, *rest, **named),
    )
    query, key = (torch.randn(2, heads, tokens, 8, dtype=torch.bfloat16) for heads in (4, 2))
    module = torch.nn.Module()
    module.num_key_value_groups, module.is_causal = 2, True
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = attend(module, query, key, key, None, scaling=0.3)
    assert dtypes == [torch.float32 if is_short else torch.bfloat16]
    assert output.dtype == torch.bfloat16 and output.shape == (2, tokens, 4, 8)


@pytest.mark.parametrize("packed", [False, True])
def test_a_model_that_uses_it_is_nearer_to_fp32(tiny_model, packed):
    ids = torch.randint(0, 200, (3, 40), generator=torch.Generator().manual_seed(1))
    other = {"attention_mask": (torch.arange(40) < torch.tensor([[40], [30], [9]])).long()}
    if packed:
        other = {"position_ids": torch.cat([torch.arange(25), torch.arange(15)]).expand(3, 40)}
    logits = {}
    for name, dtype in (("exact", torch.float32), (FUSED, torch.bfloat16), (SHORT_IN_FP32, torch.bfloat16)):
        model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=dtype, attn_implementation="sdpa")
        if name == SHORT_IN_FP32:
            use(model, name)
        with torch.no_grad():
            logits[name] = model(input_ids=ids, use_cache=False, **other).logits.float()
    real_tokens = other["attention_mask"].bool() if not packed else torch.ones(3, 40, dtype=torch.bool)
    error = {name: (found - logits["exact"])[real_tokens].abs().mean() for name, found in logits.items()}
    assert 0 < error[SHORT_IN_FP32] < 1.2 * error[FUSED]


def test_an_architecture_without_fused_attention_is_computed_eagerly():
    for precision in ("bf16", "fp32"):
        assert choose_attention(CPU, precision, has_sdpa=False).value == "eager"


def test_a_mask_that_is_added_to_the_scores_is_taken_in_any_dtype():
    """Doge computes its mask from the values, in their dtype."""
    query, key = (torch.randn(1, 2, 9, 8, dtype=torch.bfloat16) for _ in range(2))
    mask = torch.randn(1, 1, 9, 9, dtype=torch.bfloat16)
    module = torch.nn.Module()
    module.num_key_value_groups, module.is_causal = 1, True
    output, _ = attend(module, query, key, key, mask, scaling=0.3)
    scores = query.float() @ key.float().transpose(2, 3) * 0.3 + mask.float()
    assert torch.allclose(output.transpose(1, 2).float(), scores.softmax(-1) @ key.float(), atol=0.02)

"""How attention is computed while a model learns.

PyTorch's fused attention is right everywhere. On a CPU its bf16 kernel repacks its operands, which for short sequences
takes longer than all the rest: forward and backward of 8 sequences of 32, 64 and 128 tokens took 2.3, 2.3 and 1.8 times
as long as in fp32, casts included (8 heads of 32; with 14 heads of 64 2.3, 1.5 and 1.3 times), and from 192 tokens on
as long or less. So there short sequences are given to it in fp32, which is the more exact, too.
"""

from finetune.machine.hardware import Choice, Machine

FUSED, SHORT_IN_FP32 = "sdpa", "sdpa_short_in_fp32"
"""Names under which Transformers knows them; the second is registered by ``use``."""
SHORT = 128
"""Tokens up to which a sequence is short."""


def choose_attention(machine: Machine, precision: str) -> Choice:
    """How attention is computed on ``machine`` with arithmetic in ``precision``."""
    if machine.device == "cpu" and precision == "bf16":
        return Choice(
            SHORT_IN_FP32,
            f"PyTorch's fused attention; up to {SHORT} tokens in fp32, which was 1.3 to 2.3 times as fast (measured)",
        )
    return Choice(FUSED, "PyTorch's fused attention runs on every device and needs nothing installed")


def use(model, name: str) -> None:
    """Have ``model`` compute attention as the choice of this ``name`` says."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    if name == SHORT_IN_FP32:
        AttentionInterface.register(name, attend)
        AttentionMaskInterface.register(name, sdpa_mask)
    model.set_attn_implementation(name)


def attend(module, query, key, value, attention_mask, **kwargs):
    """Attention (B, T, H, D) of ``query`` (B, H, T, D) over ``key`` and ``value`` (B, G, S, D), in query's dtype."""
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if key.shape[2] > SHORT or query.dtype != torch.bfloat16:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    with torch.autocast("cpu", enabled=False):
        found, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), attention_mask, **kwargs)
    return found.to(query.dtype), None

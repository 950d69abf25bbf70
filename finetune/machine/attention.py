"""The attention implementation that a model trains with.

PyTorch's fused attention (SDPA) is correct on every device. On a CPU its bf16 kernel repacks its operands, and for
short sequences that takes longer than the attention itself: forward and backward of 8 sequences of 32, 64 and 128
tokens took 2.3, 2.3 and 1.8 times as long as in fp32, casts included (8 heads of 32; with 14 heads of 64 2.3, 1.5 and
1.3 times). From 192 tokens on bf16 took as long as fp32 or less. So on a CPU short sequences are computed in fp32,
which is also more exact.
"""

from finetune.machine.hardware import Choice, Machine

FUSED, SHORT_IN_FP32, EAGER = "sdpa", "sdpa_short_in_fp32", "eager"
"""Names of the implementations in Transformers; ``use`` registers the second."""
SHORT = 128
"""A sequence of at most this many tokens is short."""


def choose_attention(machine: Machine, precision: str, has_sdpa: bool = True) -> Choice:
    """The attention implementation for training on ``machine`` in ``precision``, with its reason.

    ``has_sdpa`` is False for an architecture that Transformers computes in no other way than eagerly.
    """
    if not has_sdpa:
        return Choice(EAGER, "Transformers has no fused attention for this architecture")
    if machine.device == "cpu" and precision == "bf16":
        return Choice(
            SHORT_IN_FP32,
            f"PyTorch's fused attention; up to {SHORT} tokens in fp32, which measured 1.3 to 2.3 times as fast as bf16",
        )
    return Choice(FUSED, "PyTorch's fused attention runs on every device and needs no further package")


def use(model, name: str) -> None:
    """Set the attention implementation of ``model`` to ``name``."""
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

    in_fp32 = key.shape[2] <= SHORT and query.dtype == torch.bfloat16
    if attention_mask is not None and attention_mask.is_floating_point():  # added to the scores, in their dtype
        attention_mask = attention_mask.to(torch.float32 if in_fp32 else query.dtype)
    if not in_fp32:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    with torch.autocast("cpu", enabled=False):
        output, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), attention_mask, **kwargs)
    return output.to(query.dtype), None

"""Stand-ins for layers whose kernels the dry run cannot enter: they allocate what those do, and compute nothing."""

import torch
from torch import nn
from torch.nn import functional

CHUNK_TOKENS, CHUNK_VOCABULARY = 4096, 32768
"""Tokens, and entries of the vocabulary, whose logits TRL computes at once (its ``kernels.chunked_logprob``)."""


class QuantizedLinear(nn.Module):
    """A linear layer (or GPT-2's ``Conv1D``) in 4 bits, as bitsandbytes has it: dequantized in each pass."""

    def __init__(self, linear: nn.Module, double: bool):
        super().__init__()
        sizes = linear.weight.shape
        self.out_features, self.in_features = sizes if isinstance(linear, nn.Linear) else sizes[::-1]
        count = linear.weight.numel()
        self.packed = nn.Buffer(torch.empty(count // 2, dtype=torch.uint8))
        self.scales = nn.Buffer(torch.empty(count // 64, dtype=torch.uint8 if double else torch.float32))

    def forward(self, hidden):
        return _Dequantize.apply(hidden.to(torch.bfloat16), self.out_features).to(hidden.dtype).clone()


class _Dequantize(torch.autograd.Function):
    """``hidden`` times a weight in bf16 that exists during the multiplication alone."""

    @staticmethod
    def forward(ctx, hidden, out_features):
        ctx.shape = (out_features, hidden.size(-1))
        return functional.linear(hidden, torch.empty(ctx.shape, dtype=torch.bfloat16))

    @staticmethod
    def backward(ctx, gradient):
        return gradient @ torch.empty(ctx.shape, dtype=torch.bfloat16), None


class TritonHead(torch.autograd.Function):
    """What TRL's head allocates where its kernels work in place: a chunk, and sums of gradients in fp32."""

    @staticmethod
    def forward(ctx, hidden, weight, mixed_precision):
        ctx.save_for_backward(hidden, weight)
        ctx.dtype = torch.bfloat16 if mixed_precision else hidden.dtype
        _chunk(hidden, weight, ctx.dtype)
        return torch.empty(())

    @staticmethod
    def backward(ctx, _):
        hidden, weight = ctx.saved_tensors
        sums = torch.empty(hidden.shape), torch.empty(weight.shape) if ctx.needs_input_grad[1] else None
        _chunk(hidden, weight, ctx.dtype)
        return sums[0].to(hidden.dtype), None if sums[1] is None else sums[1].to(weight.dtype), None


def _chunk(hidden, weight, dtype) -> None:
    """Room for a chunk of logits and for what is multiplied into it, freed at once."""
    chunk = torch.empty(min(CHUNK_TOKENS, len(hidden)), CHUNK_VOCABULARY, dtype=dtype)
    torch.mm(
        hidden[:CHUNK_TOKENS].to(dtype),
        weight[:CHUNK_VOCABULARY].to(dtype).t(),
        out=chunk[:, : len(weight[:CHUNK_VOCABULARY])],
    )

"""Base and tuned decoding together: two rows of logits per step, each bit for bit as that model gives alone.

``BatchedDecoding`` computes base and tuned as one batch of two rows, so each step reads the weights once. A linear
layer is not always batch-invariant, i.e. a row may come out different beside another one: on a CPU with bf16
instructions most layers of up to 1,024 inputs give equal bits, a wider one differs in about 1 of 1,000 outputs, one of
64 × 64 in 1 of 20,000, an fp32 one in most (measured, torch 2.13). A last bit is enough to turn a near-tie into another
token. So every layer is tried when the pair is loaded, and one that is not batch-invariant is computed row by row; in
fp32 on a CPU that costs little, because there a second row costs nearly as much as the first. Attention runs per row,
so that neither row ever sees padding. The pair then costs 1.2 × one answer alone in bf16 and 1.5 × in fp32 (the starter
with LoRA, tests/benchmarks/pair.py).

A model that hands its layers anything but two rows, one token each, is refused while it is tried (``RowsError``):
blocks that give each expert the tokens routed to it, or that put time before the batch.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from finetune.adapters.targets import is_linear
from finetune.compat import attention_of
from finetune.inference.decoding import Position, SequentialDecoding, Variant

ATTENTION = "finetune_rows"
"""The name of ``attend`` in Transformers."""
BASE, TUNED, BOTH = "base", "tuned", "both"
"""Whose tokens a layer is given: all of the base, all of the tuned model, or one row of each."""
TRIED_OUTPUTS = 400_000
"""Outputs compared before a layer counts as batch-invariant; the rarest difference seen was 1 in 20,000."""


class RowsError(ValueError):
    """A layer was given other than the two rows of base and tuned, so the tuned one cannot be told."""


class BatchedDecoding:
    """A base with plain LoRA layers: base and tuned in one batch of two rows.

    The LoRA updates are applied here and not by PEFT's mixed batches (``adapter_names=["__base__", …]``): those set
    hooks on every layer at every step, which takes as long as the rest of a small model's step, and they round the
    LoRA update once more than the tuned model alone does, which changes tokens in bf16.
    """

    def __init__(self, model):
        from peft.tuners.lora import LoraLayer

        self.model = model
        self.rows = BASE
        self._attention = attention_of(model)
        self._replaced: list[tuple] = []
        for layer in _batch_variant_layers(model):
            self._replace(layer, self._row_by_row(layer.forward))
        for layer in model.modules():
            if isinstance(layer, LoraLayer):
                self._replace(layer, self._with_adapter_rows(layer))
        _register_attention()
        model.set_attn_implementation(ATTENTION)
        self.sequential = SequentialDecoding(
            Variant(model, lambda: self._applied_to(BASE)), Variant(model, lambda: self._applied_to(TUNED))
        )

    def undo(self) -> None:
        """Give the model back as it was, with PEFT's own forward."""
        for layer, former in reversed(self._replaced):
            del layer.forward
            vars(layer).update(former)
        self.model.set_attn_implementation(self._attention)

    def prefill(self, prompts: tuple[list[int], list[int]]):
        """Prefill: logits (2, V) in float32 after the prompts, each read alone, and the position to step from."""
        import torch
        from transformers.cache_utils import DynamicLayer

        logits, position = self.sequential.prefill(prompts)
        layers = [layer for cache in position.caches for layer in getattr(cache, "layers", (None,))]
        if not all(type(layer) is DynamicLayer for layer in layers):
            raise RowsError("The cache of this model is more than keys and values.")
        longest = max(position.lengths)
        pads = [longest - length for length in position.lengths]
        joined = self.sequential.variants[0].cache()
        with torch.inference_mode():
            for i, layers in enumerate(zip(*(cache.layers for cache in position.caches))):
                joined.update(_join([layer.keys for layer in layers]), _join([layer.values for layer in layers]), i)
        return logits, Position([joined], position.lengths, pads)

    def step(self, tokens: list[int], position: Position):
        """Logits (2, V) in float32 after one more token each of base and tuned."""
        import torch

        with torch.inference_mode(), self._applied_to(BOTH):
            device = self.model.device
            output = self.model(
                input_ids=torch.tensor(tokens, device=device).unsqueeze(1),
                position_ids=torch.tensor(position.lengths, device=device).unsqueeze(1),
                past_key_values=position.caches[0],
                use_cache=True,
                logits_to_keep=1,
                pads=position.pads,
            )
        position.lengths = [length + 1 for length in position.lengths]
        return output.logits[:, -1].float()

    def _replace(self, layer, forward: Callable) -> None:
        self._replaced.append((layer, {name: value for name, value in vars(layer).items() if name == "forward"}))
        layer.forward = forward

    def _row_by_row(self, forward: Callable) -> Callable:
        """``forward`` once for each of the two rows of base and tuned; unchanged where one of them is decoded alone."""
        import torch

        def each(x, *args, **kwargs):
            if self.rows != BOTH:
                return forward(x, *args, **kwargs)
            return torch.cat([forward(row, *args, **kwargs) for row in x.split(1)])

        return each

    def _applied_to(self, rows: str) -> AbstractContextManager:
        # Set, never reset: every forward pass sets the rows first, and the pair's lock keeps them until it ends.
        self.rows = rows
        return nullcontext()

    def _with_adapter_rows(self, layer) -> Callable:
        """``layer.forward`` with ``scaling · B A x`` added for the tuned model alone (Hu et al. 2021, eq. 3)."""
        from torch.nn.functional import linear

        (name,) = layer.active_adapters
        base, scaling = layer.base_layer, layer.scaling[name]
        down, up = layer.lora_A[name].weight, layer.lora_B[name].weight

        def change(x):
            return linear(linear(x.to(down.dtype), down), up) * scaling

        def forward(x, *args, **kwargs):
            result = base(x)
            if self.rows == TUNED:
                result += change(x)
            elif self.rows == BOTH:
                if len(x) != 2:
                    raise RowsError(f"A layer was given {len(x)} rows where base and tuned are two.")
                result[1:] += change(x[1:])
            return result

        return forward


def attend(module, query, key, value, attention_mask, pads=None, **kwargs):
    """Attention (B, T, H, D) of each row over its own tokens, without a mask; a single row goes to SDPA unchanged."""
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if pads is None or len(query) == 1:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    rows = [
        sdpa_attention_forward(
            module, query[i : i + 1], key[i : i + 1, :, pad:], value[i : i + 1, :, pad:], None, **kwargs
        )[0]
        for i, pad in enumerate(pads)
    ]
    return torch.cat(rows), None


def _register_attention() -> None:
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(ATTENTION, attend)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)


def _batch_variant_layers(model) -> list:
    """The linear layers that give a row other bits beside a second row; one trial per shape.

    Routers of experts are none, also where they are built on one: they return more than one tensor.
    """
    import torch

    verdicts, found = {}, []
    for name, layer in model.named_modules():
        if not isinstance(layer, torch.nn.Linear) or "lora_" in name or "Router" in type(layer).__name__:
            continue
        shape = (type(layer), layer.in_features, layer.out_features, layer.bias is None)
        if shape not in verdicts:
            verdicts[shape] = not is_linear(layer) or _is_batch_variant(layer, model.dtype)
        if verdicts[shape]:
            found.append(layer)
    return found


def _is_batch_variant(layer, dtype) -> bool:
    import torch

    if layer.weight.is_floating_point():
        return _differs(layer, dtype, TRIED_OUTPUTS // (2 * layer.out_features))
    # A quantized layer is dequantized first, which is slow on a CPU: most tries run on a plain layer of its shape.
    device = next(layer.parameters()).device
    twin = torch.nn.utils.skip_init(torch.nn.Linear, layer.in_features, layer.out_features, device=device, dtype=dtype)
    torch.nn.init.constant_(twin.bias, 0.5)
    with torch.no_grad():
        twin.weight.copy_(torch.randn(twin.weight.shape, generator=torch.Generator().manual_seed(0)))
    return _differs(layer, dtype, 16) or _differs(twin, dtype, TRIED_OUTPUTS // (2 * layer.out_features))


def _differs(layer, dtype, tries: int) -> bool:
    """True if two rows at once give other bits than one after the other; at least 8 tries on random rows."""
    import torch

    generator = torch.Generator().manual_seed(0)
    device = next(layer.parameters()).device
    with torch.inference_mode():
        for _ in range(max(8, tries)):
            x = torch.randn(2, 1, layer.in_features, generator=generator).to(device, dtype)
            if not torch.equal(layer(x), torch.cat([layer(row) for row in x.split(1)])):
                return True
    return False


def _join(rows: list):
    """Keys or values (1, H, T, D) of base and tuned as (2, H, T, D), the shorter one padded at the start."""
    import torch
    from torch.nn.functional import pad

    longest = max(row.shape[-2] for row in rows)
    return torch.cat([pad(row, (0, 0, longest - row.shape[-2], 0)) for row in rows])

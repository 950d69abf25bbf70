"""Base and tuned decoding together: two rows of logits per step, each bit for bit as that model gives alone.

``BatchedDecoding`` computes base and tuned as one batch of two rows, so each step reads the weights once. A linear
layer is not always batch-invariant, i.e. a row may come out different beside another one: on a CPU with bf16
instructions most layers of up to 1,024 inputs give equal bits, a wider one differs in about 1 of 1,000 outputs, one of
64 × 64 in 1 of 20,000, an fp32 one in most (measured, torch 2.13). A last bit is enough to turn a near-tie into another
token. So every layer is tried when the pair is loaded, and one that is not batch-invariant is computed row by row; in
fp32 on a CPU that costs little, because there a second row costs nearly as much as the first. Attention runs per row,
so that neither row ever sees padding. The pair then costs 1.2 × one answer alone in bf16 and 1.5 × in fp32 (the starter
with LoRA, tests/benchmarks/pair.py).

``SequentialDecoding`` computes one after the other: for two full models, and where ``BatchedDecoding`` is not exact.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from finetune.adapters import Adapter
from finetune.compat import is_plain_lora_layer
from finetune.machine.hardware import Choice

ATTENTION = "finetune_rows"
"""The name of ``attend`` in Transformers."""
BASE, TUNED, BOTH = slice(0, 0), slice(0, 1), slice(1, 2)
"""The rows of a batch that the adapter applies to: none of one, the only one, or the second of two."""
TRIED_OUTPUTS = 400_000
"""Outputs compared before a layer counts as batch-invariant; the rarest difference seen was 1 in 20,000."""


@dataclass
class Variant:
    """Base or tuned, as it decodes alone."""

    model: Any
    ready: Callable[[], AbstractContextManager] = nullcontext
    """Makes the model this variant for the time of a forward pass."""
    first_cache: Callable[[], Any] | None = None
    """Gives the cache that an answer begins with; None if it begins with an empty one."""

    def step(self, ids: list[int], cache) -> Any:
        """Logits (V,) in float32 after ``ids``, which are appended to ``cache``."""
        import torch

        with torch.inference_mode(), self.ready():
            batch = torch.tensor([ids], device=self.model.device)
            output = self.model(input_ids=batch, past_key_values=cache, use_cache=True, logits_to_keep=1)
            return output.logits[0, -1].float()

    def cache(self):
        """The cache that an answer of this model begins with."""
        from transformers import DynamicCache

        return self.first_cache() if self.first_cache else DynamicCache(config=self.model.config)


@dataclass
class Position:
    """The state of decoding: KV caches and lengths."""

    caches: list
    """One each for base and tuned, or a single one of two rows."""
    lengths: list[int]
    """Tokens read so far, of base and tuned."""
    pads: list[int] = field(default_factory=lambda: [0, 0])
    """Padding positions at the start of each row."""


class SequentialDecoding:
    """Base and tuned one after the other: as exact as two calls, at the cost of two calls."""

    def __init__(self, base: Variant, tuned: Variant):
        self.variants = (base, tuned)

    def prefill(self, prompts: tuple[list[int], list[int]]):
        """Prefill: logits (2, V) in float32 after the prompts, and the position to step from."""
        import torch

        position = Position([variant.cache() for variant in self.variants], [len(ids) for ids in prompts])
        caches = position.caches
        logits = [variant.step(ids, cache) for variant, ids, cache in zip(self.variants, prompts, caches)]
        return torch.stack(logits), position

    def step(self, tokens: list[int], position: Position):
        """Logits (2, V) in float32 after one more token each of base and tuned."""
        import torch

        caches = position.caches
        logits = [variant.step([token], cache) for variant, token, cache in zip(self.variants, tokens, caches)]
        return torch.stack(logits)


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
        for layer in _batch_variant_layers(model):
            layer.forward = _row_by_row(layer.forward)
        for layer in model.modules():
            if isinstance(layer, LoraLayer):
                layer.forward = self._with_adapter_rows(layer)
        _register_attention()
        model.set_attn_implementation(ATTENTION)
        self.sequential = SequentialDecoding(
            Variant(model, lambda: self._applied_to(BASE)), Variant(model, lambda: self._applied_to(TUNED))
        )

    def prefill(self, prompts: tuple[list[int], list[int]]):
        """Prefill: logits (2, V) in float32 after the prompts, each read alone, and the position to step from."""
        import torch

        logits, position = self.sequential.prefill(prompts)
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

    def _applied_to(self, rows: slice) -> AbstractContextManager:
        # Set, never reset: every forward pass sets the rows first, and the pair's lock keeps them until it ends.
        self.rows = rows
        return nullcontext()

    def _with_adapter_rows(self, layer) -> Callable:
        """``layer.forward`` with ``scaling · B A x`` added on the tuned row alone (Hu et al. 2021, eq. 3)."""
        from torch.nn.functional import linear

        (name,) = layer.active_adapters
        base, scaling = layer.base_layer, layer.scaling[name]
        down, up = layer.lora_A[name].weight, layer.lora_B[name].weight

        def forward(x, *args, **kwargs):
            result = base(x)
            if self.rows != BASE:
                delta = linear(linear(x[self.rows].to(down.dtype), down), up) * scaling
                result[self.rows] += delta
            return result

        return forward


def decoding_of_adapter(model, adapter: Adapter):
    """The decoding of a ``PeftModel`` beside its base: ``(BatchedDecoding | SequentialDecoding, Choice)``."""
    if adapter.attaches_to == "prompt":
        base = model.get_base_model()
        tuned = Variant(base, first_cache=lambda: adapter.first_cache(model))
        return SequentialDecoding(Variant(base), tuned), Choice(
            "sequential", "base and tuned share one copy of the weights; only the tuned model has the trained prefix"
        )
    if not _is_plain_lora(model):
        decoding = SequentialDecoding(Variant(model, model.disable_adapter), Variant(model))
        return decoding, Choice(
            "sequential", "base and tuned share one copy of the weights; this kind of adapter cannot be batched"
        )
    batched = BatchedDecoding(model.base_model.model)
    if _equals_sequential(batched):
        return batched, Choice("batched", "base and tuned share one copy of the weights, bit for bit as each alone")
    return batched.sequential, Choice(
        "sequential", "base and tuned share one copy of the weights; batched decoding would round differently here"
    )


def decoding_of_models(base, tuned):
    """The decoding of two full models: ``(SequentialDecoding, Choice)``."""
    return SequentialDecoding(Variant(base), Variant(tuned)), Choice(
        "sequential", "every weight was trained, so base and tuned are two full models"
    )


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


def _is_plain_lora(model) -> bool:
    """True if only LoRA matrices on linear layers were trained, without variants, biases or active dropout."""
    import torch
    from peft.tuners.lora import LoraLayer
    from peft.utils import AuxiliaryTrainingWrapper

    layers = [layer for layer in model.modules() if isinstance(layer, LoraLayer)]
    return (
        bool(layers)
        and not any(isinstance(layer, AuxiliaryTrainingWrapper) for layer in model.modules())
        and all(
            isinstance(layer.base_layer, torch.nn.Linear)
            and is_plain_lora_layer(layer)
            and len(layer.active_adapters) == 1
            for layer in layers
        )
    )


def _batch_variant_layers(model) -> list:
    """The linear layers that give a row other bits beside a second row; one trial per shape."""
    import torch

    verdicts, found = {}, []
    for name, layer in model.named_modules():
        if not isinstance(layer, torch.nn.Linear) or "lora_" in name:
            continue
        shape = (type(layer), layer.in_features, layer.out_features, layer.bias is None)
        if shape not in verdicts:
            verdicts[shape] = _is_batch_variant(layer, model.dtype)
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


def _row_by_row(forward: Callable) -> Callable:
    import torch

    def each(x, *args, **kwargs):
        if len(x) == 1:
            return forward(x, *args, **kwargs)
        return torch.cat([forward(row, *args, **kwargs) for row in x.split(1)])

    return each


def _join(rows: list):
    """Keys or values (1, H, T, D) of base and tuned as (2, H, T, D), the shorter one padded at the start."""
    import torch
    from torch.nn.functional import pad

    longest = max(row.shape[-2] for row in rows)
    return torch.cat([pad(row, (0, 0, longest - row.shape[-2], 0)) for row in rows])


def _equals_sequential(batched: BatchedDecoding, steps: int = 4) -> bool:
    """True if batched decoding of two trial prompts of different length equals sequential decoding to the last bit."""
    import torch
    from transformers.cache_utils import DynamicLayer

    tokens = [i % batched.model.config.get_text_config().vocab_size for i in range(40, 40 + 12 + steps)]
    prompts = (tokens[:5], tokens[:12])
    expected, position = batched.sequential.prefill(prompts)
    if not all(type(layer) is DynamicLayer for cache in position.caches for layer in cache.layers):
        return False
    logits, batched_position = batched.prefill(prompts)
    for token in tokens[12:]:
        if not torch.equal(expected, logits):
            return False
        expected = batched.sequential.step([token, token], position)
        logits = batched.step([token, token], batched_position)
    return torch.equal(expected, logits)

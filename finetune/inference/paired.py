"""Base and tuned stepping together: two rows of logits per step, each bit for bit what that side gives alone.

``BatchedDecoding`` reads one copy of the weights once per step for both rows. Two rows are not always computed like
one: on a CPU with bf16 instructions most linear layers of up to 1,024 inputs give equal bits, a wider one differs in
about 1 of 1,000 outputs, one of 64 × 64 in 1 of 20,000, an fp32 one in most (measured, torch 2.13). A last bit is
enough to turn a near-tie into another word, so every layer is tried when the pair is loaded, and one that mixes
its rows is computed row by row; in fp32 on a CPU that costs little, because there a second row costs nearly as
much as the first. Attention runs per row, so that neither side ever sees padding. The pair then costs 1.2 × one
answer alone in bf16 and 1.5 × in fp32 (the starter with LoRA, tests/benchmarks/pair.py).

``SequentialDecoding`` steps each by itself: for two whole models, and where ``BatchedDecoding`` would not be exact.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from finetune.adapters import Adapter
from finetune.machine.hardware import Choice

ATTENTION = "finetune_rows"
"""The name under which ``attend`` is known to Transformers."""
BASE, TUNED, BOTH = slice(0, 0), slice(0, 1), slice(1, 2)
"""The rows of a batch that the add-on applies to: none of one, the only one, or the second of two."""
TRIED_OUTPUTS = 400_000
"""Outputs compared before a layer's rows are believed to be independent; the rarest mixing seen was 1 in 20,000."""


@dataclass
class Variant:
    """One model as it answers alone."""

    model: Any
    ready: Callable[[], AbstractContextManager] = nullcontext
    """Makes the model this variant for the time of a forward pass."""
    first_cache: Callable[[], Any] | None = None
    """Gives the cache that an answer begins with; None if it begins with an empty one."""

    def step(self, ids: list[int], cache) -> Any:
        """Logits (V,) in float32 after ``ids``, which join ``cache``."""
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
    """How far a conversation has come."""

    caches: list
    """One per side, or a single one of two rows."""
    lengths: list[int]
    """Tokens read, per side."""
    pads: list[int] = field(default_factory=lambda: [0, 0])
    """Unused positions at the start of each row."""


class SequentialDecoding:
    """Two sides, each stepped by itself: as exact as two calls, at the cost of two calls."""

    def __init__(self, base: Variant, tuned: Variant):
        self.sides = (base, tuned)

    def begin(self, prompts: tuple[list[int], list[int]]):
        """Logits (2, V) in float32 after the prompts, and the place to step on from."""
        import torch

        place = Position([side.cache() for side in self.sides], [len(ids) for ids in prompts])
        logits = [side.step(ids, cache) for side, ids, cache in zip(self.sides, prompts, place.caches)]
        return torch.stack(logits), place

    def step(self, tokens: list[int], place: Position):
        """Logits (2, V) in float32 after one more token on each side."""
        import torch

        return torch.stack([side.step([token], cache) for side, token, cache in zip(self.sides, tokens, place.caches)])


class BatchedDecoding:
    """A base with plain LoRA layers beside its own: both sides in one batch of two rows.

    The add-ons are applied here and not by PEFT's mixed batches (``adapter_names=["__base__", …]``): those set hooks on
    every layer at every step, which takes as long as the rest of a small model's step, and round the add-on's part
    once more than the tuned model alone does, which changes words in bf16.
    """

    def __init__(self, model):
        from peft.tuners.lora import LoraLayer

        self.model = model
        self.rows = BASE
        for layer in _layers_that_mix_rows(model):
            layer.forward = _row_by_row(layer.forward)
        for layer in model.modules():
            if isinstance(layer, LoraLayer):
                layer.forward = self._with_adapter_rows(layer)
        _register_attention()
        model.set_attn_implementation(ATTENTION)
        self.alone = SequentialDecoding(
            Variant(model, lambda: self._applied_to(BASE)), Variant(model, lambda: self._applied_to(TUNED))
        )

    def begin(self, prompts: tuple[list[int], list[int]]):
        """Logits (2, V) in float32 after the prompts, each read alone, and the place to step on from."""
        import torch

        logits, place = self.alone.begin(prompts)
        longest = max(place.lengths)
        pads = [longest - length for length in place.lengths]
        joined = self.alone.sides[0].cache()
        with torch.inference_mode():
            for i, layers in enumerate(zip(*(cache.layers for cache in place.caches))):
                joined.update(_join([layer.keys for layer in layers]), _join([layer.values for layer in layers]), i)
        return logits, Position([joined], place.lengths, pads)

    def step(self, tokens: list[int], place: Position):
        """Logits (2, V) in float32 after one more token on each side."""
        import torch

        with torch.inference_mode(), self._applied_to(BOTH):
            device = self.model.device
            output = self.model(
                input_ids=torch.tensor(tokens, device=device).unsqueeze(1),
                position_ids=torch.tensor(place.lengths, device=device).unsqueeze(1),
                past_key_values=place.caches[0],
                use_cache=True,
                logits_to_keep=1,
                pads=place.pads,
            )
        place.lengths = [length + 1 for length in place.lengths]
        return output.logits[:, -1].float()

    def _applied_to(self, rows: slice) -> AbstractContextManager:
        # Set, never reset: whoever runs the model says which rows first, and the pair's lock keeps it so.
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
    """The way to step a ``PeftModel`` beside its base, and why: ``(BatchedDecoding | SequentialDecoding, Choice)``."""
    if adapter.attaches_to == "prompt":
        base = model.get_base_model()
        tuned = Variant(base, first_cache=lambda: adapter.first_cache(model))
        return SequentialDecoding(Variant(base), tuned), Choice(
            "sequential", "one copy of the weights answers one after the other, as only the tuned model has a prefix"
        )
    if not _is_plain_lora(model):
        sides = SequentialDecoding(Variant(model, model.disable_adapter), Variant(model))
        return sides, Choice(
            "in turn", "one copy of the weights answers in turn, as this kind of add-on cannot share a batch"
        )
    together = BatchedDecoding(model.base_model.model)
    if _same_as_alone(together):
        return together, Choice("one batch", "one copy of the weights answers for both, to the same bits as each alone")
    return together.alone, Choice(
        "in turn", "one copy of the weights answers in turn, as a batch of two would round differently here"
    )


def decoding_of_models(base, tuned):
    """The way to step two whole models side by side, and why: ``(SequentialDecoding, Choice)``."""
    return SequentialDecoding(Variant(base), Variant(tuned)), Choice(
        "in turn", "every weight was trained, so each side has a model of its own"
    )


def attend(module, query, key, value, attention_mask, pads=None, **kwargs):
    """Attention (B, T, H, D) of each row over its own tokens, without a mask; a single row goes to SDPA as it is."""
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
    """True if all that was trained are LoRA matrices on linear layers, without variants, biases or dropout at work."""
    import torch
    from peft.tuners.lora import LoraLayer
    from peft.utils import AuxiliaryTrainingWrapper

    layers = [layer for layer in model.modules() if isinstance(layer, LoraLayer)]
    return (
        bool(layers)
        and not any(isinstance(layer, AuxiliaryTrainingWrapper) for layer in model.modules())
        and all(
            isinstance(layer.base_layer, torch.nn.Linear)
            and not layer.lora_variant
            and not any(layer.lora_bias.values())
            and len(layer.active_adapters) == 1
            for layer in layers
        )
    )


def _layers_that_mix_rows(model) -> list:
    """The linear layers whose result for a row depends on there being a second one; one trial per shape."""
    import torch

    verdicts, found = {}, []
    for name, layer in model.named_modules():
        if not isinstance(layer, torch.nn.Linear) or "lora_" in name:
            continue
        shape = (type(layer), layer.in_features, layer.out_features, layer.bias is None)
        if shape not in verdicts:
            verdicts[shape] = _mixes_rows(layer, model.dtype)
        if verdicts[shape]:
            found.append(layer)
    return found


def _mixes_rows(layer, dtype) -> bool:
    import torch

    if layer.weight.is_floating_point():
        return _differs(layer, dtype, TRIED_OUTPUTS // (2 * layer.out_features))
    # A compressed layer is unpacked, which is slow on a CPU, and then multiplied: the many tries are a plain twin's.
    device = next(layer.parameters()).device
    twin = torch.nn.utils.skip_init(torch.nn.Linear, layer.in_features, layer.out_features, device=device, dtype=dtype)
    torch.nn.init.constant_(twin.bias, 0.5)
    with torch.no_grad():
        twin.weight.copy_(torch.randn(twin.weight.shape, generator=torch.Generator().manual_seed(0)))
    return _differs(layer, dtype, 16) or _differs(twin, dtype, TRIED_OUTPUTS // (2 * layer.out_features))


def _differs(layer, dtype, tries: int) -> bool:
    """True if two rows at once give other bits than one after the other, in at least 8 tries on random rows."""
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
    """Keys or values (1, H, T, D) of both sides as (2, H, T, D), the shorter one padded at the start."""
    import torch
    from torch.nn.functional import pad

    longest = max(row.shape[-2] for row in rows)
    return torch.cat([pad(row, (0, 0, longest - row.shape[-2], 0)) for row in rows])


def _same_as_alone(together: BatchedDecoding, steps: int = 4) -> bool:
    """True if a trial conversation, longer on one side, gives the logits of both sides alone to the last bit."""
    import torch
    from transformers.cache_utils import DynamicLayer

    words = [i % together.model.config.get_text_config().vocab_size for i in range(40, 40 + 12 + steps)]
    prompts = (words[:5], words[:12])
    alone, apart = together.alone.begin(prompts)
    if not all(type(layer) is DynamicLayer for cache in apart.caches for layer in cache.layers):
        return False
    both, place = together.begin(prompts)
    for token in words[12:]:
        if not torch.equal(alone, both):
            return False
        alone, both = together.alone.step([token, token], apart), together.step([token, token], place)
    return torch.equal(alone, both)

"""Base and tuned decoding one after the other: as exact as two calls, at the cost of two calls. Or one model alone."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from finetune.compat import takes_default_cache
from finetune.errors import ModelError

CACHES = ("past_key_values", "cache_params", "state")
"""The names of the cache among the arguments of Transformers' models."""


@dataclass
class Variant:
    """Base or tuned, as it decodes alone."""

    model: Any
    ready: Callable[[], AbstractContextManager] = nullcontext
    """Makes the model this variant for the time of a forward pass."""
    first_cache: Callable[[], Any] | None = None
    """Gives the cache that an answer begins with; None if it begins with an empty one."""
    first_positions: int = 0
    """Positions in that cache."""

    def step(self, ids: list[int], cache, read: int) -> tuple:
        """Logits (V,) in float32 after ``ids``, behind the ``read`` tokens before, and the cache of all of them."""
        import torch

        name, takes = cache_argument(self.model), arguments(self.model)
        given = {name: cache}
        if "position_ids" in takes:
            # A model with states among its layers would ask its cache, which counts the tokens of the first layer.
            start = read + self.first_positions
            given["position_ids"] = torch.arange(start, start + len(ids), device=self.model.device).unsqueeze(0)
        with torch.inference_mode(), self.ready():
            batch = torch.tensor([ids], device=self.model.device)
            output = self.model(input_ids=batch, use_cache=True, logits_to_keep=1, **given)
            return output.logits[0, -1].float(), output.get(name, cache)

    def cache(self):
        """The cache that an answer begins with; None for a model that makes one of its own kind."""
        from transformers import DynamicCache

        if self.first_cache:
            return self.first_cache()
        model = own(self.model)
        return DynamicCache(config=model.config.get_text_config(decoder=True)) if takes_default_cache(model) else None


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

    def __init__(self, *variants: Variant):
        self.variants = variants
        """Base and tuned, or one of them alone."""
        self.model = variants[-1].model

    def prefill(self, prompts: Sequence[list[int]]):
        """Prefill: logits (2, V) in float32 after the prompts, and the position to step from."""
        import torch

        position = Position([variant.cache() for variant in self.variants], [0 for _ in self.variants])
        return torch.stack(self._read(list(prompts), position)), position

    def step(self, tokens: list[int], position: Position):
        """Logits (2, V) in float32 after one more token each of base and tuned."""
        import torch

        return torch.stack(self._read([[token] for token in tokens], position))

    def _read(self, both: list[list[int]], position: Position) -> tuple:
        given = zip(self.variants, both, position.caches, position.lengths)
        logits, caches = zip(*(variant.step(ids, cache, read) for variant, ids, cache, read in given))
        position.caches = list(caches)
        position.lengths = [read + len(ids) for ids, read in zip(both, position.lengths)]
        return logits


def cache_argument(model) -> str:
    """By which argument ``model`` takes its cache; ``ModelError`` for one that takes none: it sees each token alone."""
    takes = arguments(model)
    found = next((name for name in CACHES if name in takes), None)
    if not found:
        raise ModelError(
            f"A model of type {model.config.model_type} has no cache, so it cannot chat here.",
            "Export the run, and ask the exported model.",
        )
    return found


def arguments(model) -> set[str]:
    """The names of the arguments that ``model`` takes itself, under PEFT too."""
    return set(signature(own(model).forward).parameters)


def own(model):
    """The model of Transformers that ``model`` is, or that is under PEFT's."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model

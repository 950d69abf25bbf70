"""Fallbacks where memory runs out: what a recipe can change to need less, the mildest first.

There is one order, used twice. A run that ran out of memory takes one fallback at a time (``next_fallback``), and
before a run ``finetune.fit.suggest`` finds those it needs and no more. The first two change nothing but time; then the
optimizer keeps its state in 8 bits, the longest rows are truncated, and last QLoRA trains instead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from finetune.adapters import ADAPTERS
from finetune.recipe import Recipe

SHORTEST = 128
"""Tokens below which rows say too little for cutting them to be worth it."""


@dataclass(frozen=True)
class Change:
    """One way to need less memory."""

    settings: dict[str, Any]
    """What changes in the recipe, by dotted path."""
    what: str
    """What that comes to, as a sentence without its capital and full stop, so that several can be told as one."""

    @property
    def reason(self) -> str:
        """The same as a sentence of its own."""
        return f"{self.what[0].upper()}{self.what[1:]}."


Fallback = Callable[[Recipe, int, int], Change | None]
"""What a recipe could change next, given the rows of a batch and the tokens of the longest row; None if nothing."""


def next_fallback(recipe: Recipe, batch_size: int, longest: int, while_loading: bool = False) -> Change | None:
    """The next thing to give up after ``recipe`` did not fit with ``batch_size`` rows of up to ``longest`` tokens.

    ``while_loading``: the weights alone did not fit, so that only smaller weights help. None if nothing is left.
    """
    fallbacks = (quantized_weights,) if while_loading else FALLBACKS
    return next((change for fallback in fallbacks if (change := fallback(recipe, batch_size, longest))), None)


def smaller_micro_batches(recipe: Recipe, batch_size: int, longest: int) -> Change | None:
    """Half as many rows at once, or the next fewer that divide the batch; the batch itself stays."""
    parts = recipe.training.accumulation
    more = next((n for n in range(2 * parts, batch_size + 1) if batch_size % n == 0), None)
    if more is None:
        return None
    whole = {} if recipe.training.batch_size == batch_size else {"training.batch_size": batch_size}
    return Change(
        whole | {"training.accumulation": more},
        f"each batch of {batch_size} rows is worked on {batch_size // more} at a time (same result)",
    )


def activation_checkpointing(recipe: Recipe, batch_size: int, longest: int) -> Change | None:
    """Activation checkpointing."""
    if recipe.training.activation_checkpointing:
        return None
    return Change(
        {"training.activation_checkpointing": True},
        "intermediate values are computed again instead of remembered (same result, a third slower)",
    )


def smaller_optimizer(recipe: Recipe, batch_size: int, longest: int) -> Change | None:
    """An optimizer in 8 bits, where it is not small already: an add-on's is."""
    if recipe.training.optimizer == "adamw_8bit" or not recipe.adapter.trains_base():
        return None
    words = "the optimizer remembers in 8 bits instead of 32, beginning anew"
    return Change({"training.optimizer": "adamw_8bit"}, words)


def shorter_rows(recipe: Recipe, batch_size: int, longest: int) -> Change | None:
    """Rows cut at half the length of the longest."""
    length = min(recipe.training.length, longest) // 2
    if length < SHORTEST:
        return None
    return Change({"training.length": length}, f"rows are cut at {length:,} tokens (the longest teach less)")


def quantized_weights(recipe: Recipe, batch_size: int, longest: int) -> Change | None:
    """QLoRA, with the add-on as it was set; not for a whole model of an earlier run, which no add-on goes on from."""
    adapter = recipe.adapter
    if adapter.weight_bits <= 4 or (recipe.model.run and adapter.trains_base()):
        return None
    own = {} if adapter.trains_base() else recipe.to_dict()["adapter"]
    kept = {f"adapter.{name}": own[name] for name in own if name != "type" and name in ADAPTERS["qlora"].model_fields}
    return Change(
        {"adapter.type": "qlora", **kept},
        "the model's weights are held in 4 bits, with a small add-on that learns beside them (QLoRA)",
    )


FALLBACKS: tuple[Fallback, ...] = (
    smaller_micro_batches,
    activation_checkpointing,
    smaller_optimizer,
    shorter_rows,
    quantized_weights,
)
"""The least first."""

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
"""Tokens below which truncated rows hold too little to be worth it."""


@dataclass(frozen=True)
class Change:
    """One way to need less memory."""

    settings: dict[str, Any]
    """What changes in the recipe, by dotted path."""
    what: str
    """What that comes to, as a sentence without its capital and full stop, so that several can be joined."""

    @property
    def reason(self) -> str:
        """The same as a sentence of its own."""
        return f"{self.what[0].upper()}{self.what[1:]}."


Fallback = Callable[[Recipe, int, int], Change | None]
"""What a recipe could change next, given the rows of a batch and the tokens of the longest row; None if nothing."""


def next_fallback(recipe: Recipe, batch_size: int, longest: int, while_loading: bool = False) -> Change | None:
    """The next change after ``recipe`` did not fit with ``batch_size`` rows of up to ``longest`` tokens.

    ``while_loading``: the weights alone did not fit, so that only smaller weights help. None if nothing is left.
    """
    fallbacks = (quantized_weights,) if while_loading else FALLBACKS
    return next((change for fallback in fallbacks if (change := fallback(recipe, batch_size, longest))), None)


def smaller_micro_batches(recipe: Recipe, batch_size: int, longest: int) -> Change | None:
    """Half as many rows at once, or the next fewer that divide the batch; the batch itself stays."""
    least = recipe.method.smallest_micro_batch
    counts = range(2 * recipe.training.accumulation, batch_size // least + 1)
    more = next((n for n in counts if batch_size % n == 0), None)
    if more is None:
        return None
    whole = {} if recipe.training.batch_size == batch_size else {"training.batch_size": batch_size}
    return Change(
        whole | {"training.accumulation": more},
        f"gradient accumulation: batches of {batch_size} rows in micro-batches of {batch_size // more} (same result)",
    )


def activation_checkpointing(recipe: Recipe, batch_size: int, longest: int) -> Change | None:
    """Activation checkpointing, where the adapter can."""
    if recipe.training.activation_checkpointing or not recipe.adapter.checkpoints_activations:
        return None
    return Change(
        {"training.activation_checkpointing": True},
        "activation checkpointing: activations are recomputed instead of kept (same result, a third slower)",
    )


def smaller_optimizer(recipe: Recipe, batch_size: int, longest: int) -> Change | None:
    """Optimizer state in 8 bits, where it is not small already: an adapter's is."""
    if recipe.training.optimizer == "adamw_8bit" or not recipe.adapter.trains_base():
        return None
    words = "8-bit AdamW: optimizer state in 8 bits instead of 32, from zero"
    return Change({"training.optimizer": "adamw_8bit"}, words)


def shorter_rows(recipe: Recipe, batch_size: int, longest: int) -> Change | None:
    """Rows truncated at half the length of the longest."""
    length = min(recipe.training.length, longest) // 2
    if length < SHORTEST:
        return None
    return Change({"training.length": length}, f"rows are truncated at {length:,} tokens (the longest teach less)")


def quantized_weights(recipe: Recipe, batch_size: int, longest: int) -> Change | None:
    """QLoRA, with a LoRA's own settings kept; not where an earlier run's other parameters are trained further."""
    adapter = recipe.adapter
    if adapter.lighter() != "qlora" or (recipe.model.run and adapter.trains_base()):
        return None
    own = {} if adapter.trains_base() else recipe.to_dict()["adapter"]
    kept = {f"adapter.{name}": own[name] for name in own if name != "type" and name in ADAPTERS["qlora"].model_fields}
    return Change(
        {"adapter.type": "qlora", **kept},
        "QLoRA: the model's weights are quantized to 4 bits, and a LoRA adapter is trained beside them",
    )


FALLBACKS: tuple[Fallback, ...] = (
    smaller_micro_batches,
    activation_checkpointing,
    smaller_optimizer,
    shorter_rows,
    quantized_weights,
)
"""The mildest first."""

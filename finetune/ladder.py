"""The ladder out of want of memory: what is given up, one rung at a time, the least first.

Each rung asks for less than the one before, so there is an end to them. The result changes as little as can be: the
first two rungs change nothing but time.
"""

from dataclasses import dataclass
from typing import Any

from finetune.recipe import Recipe

SHORTEST = 128
"""Tokens below which rows say too little for cutting them to be worth it."""


@dataclass(frozen=True)
class Rung:
    """One way to need less memory."""

    settings: dict[str, Any]
    """What changes in the recipe, by dotted path."""
    reason: str
    """What is given up, as a sentence."""


def next_rung(recipe: Recipe, batch_size: int, longest: int, while_loading: bool = False) -> Rung | None:
    """The next thing to give up after ``recipe`` did not fit with ``batch_size`` rows of up to ``longest`` tokens.

    ``while_loading``: the weights alone did not fit, so that only smaller weights help. None if nothing is left.
    """
    if while_loading:
        return _compressed_weights(recipe)
    rungs = (_smaller_parts(recipe, batch_size), _recomputing(recipe), _smaller_optimizer(recipe))
    return next((rung for rung in (*rungs, _shorter_rows(recipe, longest), _compressed_weights(recipe)) if rung), None)


def _smaller_parts(recipe: Recipe, batch_size: int) -> Rung | None:
    parts = recipe.training.accumulation
    more = next((n for n in range(2 * parts, batch_size + 1) if batch_size % n == 0), None)
    if more is None:
        return None
    rows = batch_size // more
    return Rung(
        {"training.batch_size": batch_size, "training.accumulation": more},
        f"Each batch of {batch_size} rows is now worked on {rows} {'row' if rows == 1 else 'rows'} at a time. "
        "The result is the same.",
    )


def _recomputing(recipe: Recipe) -> Rung | None:
    if recipe.training.activation_checkpointing:
        return None
    return Rung(
        {"training.activation_checkpointing": True},
        "Intermediate values are now computed again instead of remembered: the result is the same, and takes longer.",
    )


def _smaller_optimizer(recipe: Recipe) -> Rung | None:
    if recipe.training.optimizer == "adamw_8bit" or not recipe.adapter.trains_base():
        return None  # an add-on's optimiser is small already
    return Rung(
        {"training.optimizer": "adamw_8bit"},
        "The optimiser now remembers in 8 bits instead of 32; it starts to remember anew.",
    )


def _shorter_rows(recipe: Recipe, longest: int) -> Rung | None:
    length = min(recipe.training.length, longest) // 2
    if length < SHORTEST:
        return None
    return Rung({"training.length": length}, f"Rows are now cut at {length:,} tokens, so that the longest teach less.")


def _compressed_weights(recipe: Recipe) -> Rung | None:
    if recipe.adapter.weight_bits <= 4:
        return None
    kept = {f"adapter.{name}": getattr(recipe.adapter, name) for name in ("rank", "alpha", "dropout")
            if hasattr(recipe.adapter, name)}  # fmt: skip
    return Rung(
        {"adapter.type": "qlora", **kept},
        "The model's weights are now held in 4 bits, with a small add-on that learns beside them (QLoRA).",
    )

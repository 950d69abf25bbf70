"""The smallest change of a recipe that makes its run fit.

What changes the result least comes first: smaller parts of the same batch, then recomputing instead of remembering, an
optimiser in 8 bits, a compressed base with an add-on, and shorter rows. Each is tried with the estimate itself, before
the run; ``finetune.ladder`` is what a run gives up when its memory did not suffice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from finetune.ladder import SHORTEST
from finetune.memory import Fit, estimate
from finetune.plan import plan
from finetune.recipe import Recipe
from finetune.workspace import Workspace


@dataclass(frozen=True)
class Remedy:
    """Settings that make a run fit, by dotted path, and the fit they give."""

    settings: dict[str, object]
    fit: Fit

    @property
    def words(self) -> str:
        """The settings as ``--set`` options of the command line."""
        return " ".join(f"--set {name}={str(value).lower()}" for name, value in self.settings.items())

    @property
    def what(self) -> str:
        """What changes, in plain English."""
        return ", ".join(SAID[name](value) for name, value in self.settings.items() if name in SAID)


SAID = {
    "training.accumulation": lambda parts: f"each batch in {parts} parts (same result)",
    "training.activation_checkpointing": lambda _: "activations recomputed (a third slower)",
    "training.optimizer": lambda _: "the optimiser's memory in 8 bits",
    "adapter.type": lambda _: "a compressed base and a small add-on (QLoRA)",
    "training.length": lambda tokens: f"rows cut at {tokens} tokens",
}


def remedy(
    recipe: Recipe, workspace: Workspace, rows: int | None = None, longest: int | None = None, tokens: int | None = None
) -> Remedy | None:
    """The mildest settings with which ``recipe`` fits with some to spare; None if none of them help, or none is needed.

    The numbers are those of ``finetune.memory.estimate``.
    """
    fit_of = partial(estimate, workspace=workspace, rows=rows, longest=longest, tokens=tokens, cards=False)
    now = fit_of(recipe)
    if now.fits or not now.estimate_bytes:
        return None
    parts = _parts(recipe, rows or 1)
    for settings in _levels(recipe, longest):
        level = recipe.changed(**settings)
        if not fit_of(level.changed(**{"training.accumulation": parts[-1]})).fits:
            continue
        for count in parts:
            change = settings | ({"training.accumulation": count} if count != recipe.training.accumulation else {})
            fit = fit_of(recipe.changed(**change))
            if fit.fits:
                return Remedy(change, fit)
    return None


def _parts(recipe: Recipe, rows: int) -> list[int]:
    """The ways to split the recipe's batch, from as it is to single rows."""
    batch = plan(recipe, [recipe.training.length] * rows, 1024).batch_size
    return [count for count in range(recipe.training.accumulation, batch + 1) if batch % count == 0] or [
        recipe.training.accumulation
    ]


def _levels(recipe: Recipe, longest: int | None) -> Iterator[dict[str, object]]:
    """What is changed beside the split of the batch, mildest first; each level keeps what the one before changed."""
    settings: dict[str, object] = {}
    yield settings
    if not recipe.training.activation_checkpointing:
        settings = settings | {"training.activation_checkpointing": True}
        yield settings
    if recipe.adapter.trains_base() and recipe.training.optimizer != "adamw_8bit":
        settings = settings | {"training.optimizer": "adamw_8bit"}
        yield settings
    if recipe.adapter.weight_bits > 4 and not recipe.model.run:
        own = recipe.to_dict()["adapter"] if not recipe.adapter.trains_base() else {}
        kept = {f"adapter.{name}": value for name, value in own.items() if name != "type"}
        settings = {"training.activation_checkpointing": True, "adapter.type": "qlora"} | kept
        yield settings
    length = min(recipe.training.length, longest or recipe.training.length) // 2
    while length >= SHORTEST:
        settings = settings | {"training.length": length}
        yield settings
        length //= 2

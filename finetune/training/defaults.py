"""Defaults: what is chosen automatically where a recipe leaves it open, each value with its reason.

Only numbers that follow from the recipe, the rows and the model's size; what follows from the machine is in
``finetune.machine.hardware``.
"""

import math
from dataclasses import dataclass

from finetune.machine.hardware import Choice
from finetune.recipe import Recipe

BASE_RATE = 5e-5
"""Learning rate for fully fine-tuning a model of hidden size 2,000 (Thinking Machines' tinker-cookbook, ``get_lr``)."""
RATE_EXPONENT = 0.781
"""How the best rate falls with hidden size: rate ∝ (2000 / hidden)^0.781 (same source, its figure for Llama models)."""


@dataclass(frozen=True)
class Defaults:
    """The numbers of a run, whether asked for or chosen automatically."""

    epochs: float
    learning_rate: float
    batch_size: int
    micro_batch: int
    """Rows in memory at once: the batch divided by the accumulation and among the processes."""
    pack: bool
    """Put several short rows into one sequence."""
    choices: tuple[tuple[str, Choice], ...]
    """What was chosen automatically, by the setting's dotted path."""


def choose_defaults(recipe: Recipe, lengths: list[int], hidden_size: int, processes: int = 1) -> Defaults:
    """The numbers for training on rows of ``lengths`` tokens with a model of ``hidden_size``.

    ``processes`` share each batch, so that it stays the same however many there are. ``RecipeError`` if too few rows
    are in memory at once for the method.
    """
    training, choices, rows = recipe.training, [], len(lengths)

    def choose(name, asked, automatic):
        if asked is not None:
            return asked
        value, reason = automatic
        choices.append((f"training.{name}", Choice(f"{value:g}", reason)))
        return value

    batch = choose("batch_size", training.batch_size, choose_batch_size(rows, recipe.method.few_rows_batch))
    divisions = training.accumulation * processes
    batch = max(batch, divisions * recipe.method.smallest_micro_batch)
    pack = False
    if recipe.method.packs and training.packing:
        alone = Choice("off", f"with {recipe.adapter.title} only a sequence's first row follows the virtual tokens")
        pack, packing = choose_packing(lengths, batch // divisions) if recipe.adapter.packs else (False, alone)
        choices.append(("training.packing", packing))
    return Defaults(
        epochs=choose("epochs", training.epochs, choose_epochs(rows, recipe.method.few_rows_epochs)),
        learning_rate=choose("learning_rate", training.learning_rate, choose_learning_rate(recipe, hidden_size)),
        batch_size=batch,
        micro_batch=batch // divisions,
        pack=pack,
        choices=tuple(choices),
    )


def choose_epochs(rows: int, few_rows_epochs: int) -> tuple[int, str]:
    """Epochs for ``rows`` examples, with the reason."""
    if rows <= 500:
        return few_rows_epochs, f"{rows:,} rows are few, so each is seen {few_rows_epochs} times"
    if rows <= 2000:
        return 3, f"{rows:,} rows are seen three times"
    if rows <= 20000:
        return 2, f"{rows:,} rows are seen twice"
    return 1, f"{rows:,} rows are enough to see once"


def choose_batch_size(rows: int, few_rows_batch: int = 8) -> tuple[int, str]:
    """Rows per optimizer step, with the reason."""
    if rows <= 500:
        return few_rows_batch, "small data trains best with many small weight updates"
    if rows <= 5000:
        return 8, "small data trains best with many small weight updates"
    return 16, "larger data gives steadier weight updates with sixteen rows each"


def choose_packing(lengths: list[int], batch: int) -> tuple[bool, Choice]:
    """Whether rows of ``lengths`` tokens are packed into sequences as long as the longest row."""
    longest, mean = max(lengths), sum(lengths) / len(lengths)
    if longest > batch * mean / 2:
        # One sequence would hold more rows than half a batch, and the batch asked for could not be kept.
        return False, Choice(
            "off", "a few rows are so long that packing would change the batch; rows of like length go together"
        )
    if longest < 1.3 * mean:
        return False, Choice("off", "the rows are about equally long, so there is no padding to save")
    return True, Choice("on", f"rows of {mean:.0f} tokens on average share sequences of {longest}, instead of padding")


def choose_learning_rate(recipe: Recipe, hidden_size: int) -> tuple[float, str]:
    """The customary rate for this method, adapter and model size, to two digits, with the reason.

    rate = 5e-5 · adapter factor · method factor · (2000 / hidden)^0.781
    """
    rate = BASE_RATE * recipe.adapter.rate_factor * recipe.method.rate_factor * (2000 / hidden_size) ** RATE_EXPONENT
    digits = 1 - math.floor(math.log10(rate))
    return round(rate, digits), (
        f"customary for {recipe.method.type} with {recipe.adapter.type} on a model of hidden size {hidden_size:,}"
    )

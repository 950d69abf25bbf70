"""A column of the panel: a base, a tuned model or a kept checkpoint, and how it is loaded to answer alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.errors import RunError
from finetune.inference.decoding import SequentialDecoding, Variant
from finetune.inference.paired import tuned_variant
from finetune.inference.untouched import Bases, dtype_of
from finetune.inference.voice import Voice
from finetune.machine import hardware
from finetune.machine.hardware import Choice
from finetune.machine.libraries import load as load_libraries
from finetune.models.files import has_weights
from finetune.models.loading import load_base, load_weights, require_model, with_adapter
from finetune.models.locate import locate
from finetune.models.tokenizer import load_tokenizer, read_tokenizer
from finetune.models.turn_end import end_ids
from finetune.recipe import Recipe
from finetune.runs.checkpoints import Checkpoint
from finetune.runs.fingerprint import require_same_base
from finetune.runs.run import Run

ALONE = Choice("sequential", "the columns answer one after another")


@dataclass(frozen=True)
class Column:
    """A model of a run that can be asked."""

    run: str
    """The run's id."""
    step: int | None = None
    """The step of a kept checkpoint; None for the tuned model."""
    is_base: bool = False
    """True for the base that the run was trained from."""

    @property
    def words(self) -> str:
        """What it is, e.g. ``run 3 at step 40``."""
        number = int(self.run.partition("-")[0]) if self.run[:1].isdigit() else self.run
        if self.is_base:
            return f"the base of run {number}"
        return f"run {number}" if self.step is None else f"run {number} at step {self.step:,}"


def kept(run: Run) -> list[Column]:
    """What of ``run`` can be asked: its base, its tuned model, and each kept checkpoint that is whole, by step.

    A checkpoint counts as whole here if its files have the sizes in its manifest; every byte is checked when it is
    loaded. Empty for a reward model, and for a run that has nothing yet.
    """
    if run.recipe.method.makes_scorer:
        return []
    weights = "model" if run.as_trained.adapter.trains_base() else "adapter_model"
    steps = [each.step for each in run.checkpoints.all() if each.is_complete and _has_weights(each, weights)]
    tuned = [Column(run.id)] if any(run.model_dir.glob("*.safetensors")) else []
    found = [*tuned, *(Column(run.id, step) for step in steps)]
    return [Column(run.id, is_base=True), *found] if found else []


def load(column: Column, run: Run, bases: Bases) -> Voice:
    """The model of ``column``, which is one of ``run``, to answer alone."""
    recipe, workspace = asked_as(run), bases.workspace
    load_libraries()
    folder = None if column.is_base else require_intact(column, run)
    is_known = require_same_base(run, locate(recipe.model, workspace))
    base_tokenizer = load_tokenizer(recipe.model, workspace)
    untouched = bases.get(recipe)
    if folder is None:
        variant, tokenizer = Variant(untouched.model), base_tokenizer
    else:
        variant = _tuned(column, recipe, folder, bases)
        tokenizer = tokenizer_in(folder, base_tokenizer)
    limits = limits_of(untouched.model, tokenizer, recipe)
    given = {"how": ALONE, "untouched": untouched, "is_known_base": is_known}
    return Voice(SequentialDecoding(variant), [tokenizer], **limits, **given)


def _tuned(column: Column, recipe: Recipe, folder: Path, bases: Bases) -> Variant:
    device, adapter = hardware.machine().device, recipe.adapter
    if adapter.trains_base():
        return Variant(load_weights(folder, dtype_of(recipe), device))
    if column.step is not None and adapter.rewrites_base:
        # Such an adapter rewrites the weights that it is attached to, and what a checkpoint holds fits those alone.
        base = load_base(recipe.model, bases.workspace, adapter, dtype_of(recipe), device)
    else:
        base = bases.get(recipe).copy()
    return tuned_variant(with_adapter(base, folder, "tuned").eval(), adapter)


def require_intact(column: Column, run: Run) -> Path:
    """``folder_of`` a column, if a checkpoint there is as it was written; ``RunError`` if not."""
    folder = folder_of(column, run)
    if column.step is not None and (fault := Checkpoint(folder, column.step).fault()):
        what = f"The checkpoint of step {column.step:,} of run {run.id}"
        raise RunError(f"{what} is damaged: {fault}.", "Choose another one.")
    return folder


def folder_of(column: Column, run: Run) -> Path:
    """The folder of the tuned model or the checkpoint of ``column``; ``RunError`` if it is not there."""
    if column.step is None:
        return require_model(run).model_dir
    found = next((each for each in run.checkpoints.all() if each.step == column.step), None)
    if found is None:
        raise RunError(
            f"Run {run.id} keeps no checkpoint of step {column.step:,} (any more).",
            "Choose another one: a run keeps its newest checkpoints and its best.",
        )
    return found.path


def asked_as(run: Run) -> Recipe:
    """The recipe of ``run`` as it was trained; ``RunError`` if its model writes no answers."""
    recipe = run.as_trained
    if recipe.method.makes_scorer:
        raise RunError(
            f"Run {run.id} is a reward model: it rates answers and writes none.",
            "Choose another run to ask, and this one to rate its answers.",
        )
    return recipe


def limits_of(model: Any, tokenizer: Any, recipe: Recipe) -> dict[str, Any]:
    """Where answers end that are asked by ``recipe``: ``end_ids``, ``context`` and ``vocabulary`` of a ``Voice``."""
    return {
        "end_ids": end_ids(tokenizer, model),
        "context": context_of(tokenizer, model) - recipe.adapter.own_positions(),
        "vocabulary": model.get_input_embeddings().weight.shape[0],
    }


def context_of(tokenizer: Any, model: Any) -> int:
    """The context length of a model with its tokenizer, in tokens."""
    limits = (tokenizer.model_max_length, getattr(model.config.get_text_config(), "max_position_embeddings", None))
    return min(limit for limit in limits if limit)


def tokenizer_in(folder: Path, otherwise: Any) -> Any:
    """The tokenizer that was saved with the model in ``folder``; ``otherwise`` where there is none."""
    return read_tokenizer(folder, folder.name) if (folder / "tokenizer_config.json").is_file() else otherwise


def _has_weights(checkpoint: Checkpoint, name: str) -> bool:
    return has_weights(checkpoint.path) and any(checkpoint.path.glob(f"{name}*.safetensors"))

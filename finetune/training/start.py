"""What a run starts from: the untouched base, or the tuned model of an earlier run."""

from finetune.adapters import Adapter
from finetune.adapters.targets import freeze_towers
from finetune.compat import supports_sdpa
from finetune.errors import RecipeError
from finetune.machine.attention import choose_attention, use
from finetune.machine.hardware import Machine
from finetune.models.loading import load_base, load_tuned
from finetune.models.locate import locate
from finetune.recipe import Recipe
from finetune.runs.fingerprint import require_same_base
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.training import fsdp


def load_start(recipe: Recipe, workspace: Workspace, machine: Machine, precision: str):
    """The model to train: the untouched base, or what an earlier run made of it."""
    model = _load_start(recipe, workspace, machine, precision)
    if recipe.adapter.trains_base():
        freeze_towers(model)
    recipe.adapter.choose_weights(model)
    use(model, choose_attention(machine, precision, supports_sdpa(model)).value)
    return model


def _load_start(recipe: Recipe, workspace: Workspace, machine: Machine, precision: str):
    import torch

    from finetune.training.trainer import base_dtype

    dtype = getattr(torch, base_dtype(precision, recipe.adapter.trains_base()))
    device = fsdp.loading_device(machine.device)
    if not recipe.model.run:
        return load_base(recipe.model, workspace, recipe.adapter, dtype, device)
    earlier = workspace.run(recipe.model.run)
    require_continuable(recipe, earlier)
    if not recipe.adapter.trains_base():
        require_same_base(earlier, locate(recipe.model, workspace))
    return load_tuned(earlier, workspace, recipe.adapter, dtype, device)


def require_continuable(recipe: Recipe, earlier: Run) -> None:
    """``RecipeError`` unless ``recipe`` can train further what the run ``earlier`` has trained."""
    if earlier.recipe.model.id != recipe.model.id:
        raise RecipeError(
            f"Run {earlier.id} is of the model {earlier.recipe.model.id}, not of {recipe.model.id}.",
            "Choose that model, or leave `model.run` empty.",
        )
    if earlier.as_trained.method.makes_scorer:
        raise RecipeError(
            f"Run {earlier.id} is a reward model, which writes no answers and cannot be trained further.",
            "Choose another run, or leave `model.run` empty.",
        )
    theirs, ours = earlier.as_trained.adapter, recipe.adapter
    if not theirs.continues:
        raise RecipeError(
            f"Run {earlier.id} was trained with {theirs.title}, which keeps only what answers need, not what training "
            "needs.",
            "Leave `model.run` empty to train a new adapter.",
        )
    if (theirs.attaches_to, _class(theirs)) != (ours.attaches_to, _class(ours)):
        raise RecipeError(
            f"Run {earlier.id} was trained with {theirs.title}, and only that can train it further.",
            f"Choose the adapter {theirs.type}.",
        )
    for name in type(ours).model_fields:
        if name == "dropout" and recipe.method.ignores_dropout:
            continue  # its trainer switches the loaded adapter's dropout off
        if _shapes(ours, theirs, name):
            here, there = getattr(ours, name), getattr(theirs, name)
            raise RecipeError(
                f"The adapter of run {earlier.id} keeps `adapter.{name}` {there}, but the recipe says {here}.",
                f"Set `adapter.{name}` to {there}, or leave `model.run` empty to train a new adapter.",
            )


def _class(adapter: Adapter) -> str:
    """The PEFT class of what ``adapter`` saves; empty for a whole model."""
    return (adapter.peft_arguments() or ("",))[0]


def _shapes(ours: Adapter, theirs: Adapter, name: str) -> bool:
    """True if the setting ``name`` is part of a saved adapter and differs: it could not take effect any more."""
    if name == "type" or name not in type(theirs).model_fields:
        return False
    as_theirs = ours.model_copy(update={name: getattr(theirs, name)})
    if name in ours.kept:
        return as_theirs != ours
    return as_theirs.peft_arguments() != ours.peft_arguments()

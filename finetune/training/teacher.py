"""The teacher of a run: a frozen model that its method learns from, beside the base."""

from finetune.errors import RecipeError
from finetune.machine import hardware
from finetune.machine.attention import choose_attention, use
from finetune.machine.hardware import Machine
from finetune.models.loading import load_weights
from finetune.models.locate import load_config, locate
from finetune.models.tokenizer import load_tokenizer
from finetune.recipe import ModelSettings, Recipe
from finetune.runs.workspace import Workspace
from finetune.training import fsdp


def teacher_of(recipe: Recipe) -> ModelSettings | None:
    """The teacher of ``recipe``; None if its method learns from no other model."""
    found = recipe.method.learns_from
    return ModelSettings(id=found[0], revision=found[1]) if found else None


def require_shared_vocabulary(recipe: Recipe, workspace: Workspace, tokenizer, vocabulary: int) -> None:
    """``RecipeError`` unless the teacher, if there is one, has the tokens of ``tokenizer`` and ``vocabulary`` logits.

    The two models are compared token by token.
    """
    teacher = teacher_of(recipe)
    if teacher is None:
        return
    theirs = load_config(teacher, workspace).get_text_config().vocab_size
    differs = f"{theirs:,} tokens and not {vocabulary:,}" if theirs != vocabulary else ""
    if not differs and load_tokenizer(teacher, workspace).get_vocab() != tokenizer.get_vocab():
        differs = "other tokens"
    if differs:
        raise RecipeError(
            f"{teacher.id} cannot teach {recipe.model.id}: its vocabulary has {differs}.",
            "Choose a larger model of the same family, or train on the teacher's answers with SFT.",
        )


def load_teacher(recipe: Recipe, workspace: Workspace, machine: Machine, precision: str):
    """The teacher, frozen and in eval mode, on the device of ``machine``; None if the recipe has none."""
    from finetune.compat import supports_sdpa

    teacher = teacher_of(recipe)
    if teacher is None:
        return None
    model = load_weights(locate(teacher, workspace), hardware.dtype_of(precision), fsdp.loading_device(machine.device))
    use(model, choose_attention(machine, precision, supports_sdpa(model)).value)
    return model.requires_grad_(False)

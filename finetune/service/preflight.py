"""Preflight: every problem of a recipe, found before any GPU work and reported at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from finetune.data.known import KnownKinds
from finetune.errors import FinetuneError, Problem, RecipeError
from finetune.machine import hardware
from finetune.machine.libraries import load_tokenizers
from finetune.machine.space import INSTEAD, ZERO, space
from finetune.methods import mismatch
from finetune.models.inspection import require_attachable, require_suited
from finetune.models.locate import downloaded, is_hub, load_config
from finetune.models.preview import folder_of, inspect_before_run
from finetune.models.scorer import require_scorer
from finetune.models.tokenizer import load_tokenizer
from finetune.recipe import ModelSettings, Recipe
from finetune.runs.workspace import Workspace
from finetune.training.pushing import require_token
from finetune.training.start import require_continuable
from finetune.training.teacher import require_shared_vocabulary, teacher_of
from finetune.training.trackers import missing


def require_runnable(
    recipe: Recipe,
    workspace: Workspace,
    trusted: bool = True,
    known: KnownKinds | None = None,
    is_confirmed: bool = False,
) -> None:
    """``RecipeError`` with every problem of ``recipe``, or nothing if it can be run.

    Data of a ``known`` kind is not read again. With ``trusted=False`` only uploads and samples are read. That it is not
    certain what the rows mean is a problem unless a person has confirmed it (``is_confirmed``).
    """
    load_tokenizers()  # behind its lock: a server that has just started imports the same libraries in another thread
    problems = [*recipe.check(), *missing(recipe.training.report_to)]
    if (found := space(workspace.path)) and found.is_zero:
        problems.append(Problem("", ZERO, INSTEAD))
    with _noted(problems, "data"):
        found = (known or KnownKinds()).kind(recipe.data, partial(workspace.find, trusted=trusted), trusted)
        if unsuited := mismatch(recipe.method, found.kind, found.title):
            problems.append(unsuited)
        if found.doubt and not is_confirmed:
            problems.append(Problem(found.asked_in, found.doubt, found.remedy))
    with _noted(problems, "model.run"):
        if recipe.model.run:
            require_continuable(recipe, workspace.run(recipe.model.run))
    with _noted(problems, "training.push_to"):
        require_token(recipe)
    with _noted(problems, "training.precision"):
        hardware.choose_precision(hardware.machine(), recipe.training.precision)
    if recipe.model.revision and not is_hub(recipe.model, workspace):
        message = f"{recipe.model.id} is a model of this machine, which has no revisions."
        problems.append(Problem("model.revision", message, "Leave model.revision empty."))
    with _noted(problems, "model.id"):
        if found := inspect_before_run(recipe.model, workspace):
            require_suited(recipe.adapter, found)
            with _noted(problems, "adapter"):
                if folder := folder_of(recipe.model, workspace):
                    require_attachable(recipe.adapter, folder)
    _require_others(recipe, workspace, problems)
    if problems:
        raise RecipeError("This recipe cannot be run yet.", problems=tuple(problems))


def _require_others(recipe: Recipe, workspace: Workspace, problems: list[Problem]) -> None:
    """Note what is wrong with the further models that the recipe trains with: reward models, judges, a teacher."""
    for wanted in recipe.method.wants().values():
        with _noted(problems, "method.rewards"):
            if isinstance(wanted, str):
                require_scorer(workspace.run(wanted))
            elif not wanted.endpoint:
                inspect_before_run(ModelSettings(id=wanted.model), workspace)
    with _noted(problems, "method.teacher"):
        teacher = teacher_of(recipe)
        is_there = teacher and inspect_before_run(teacher, workspace, is_asked=False) and downloaded(teacher, workspace)
        if is_there and downloaded(recipe.model, workspace) and not problems:
            vocabulary = load_config(recipe.model, workspace).get_text_config().vocab_size
            require_shared_vocabulary(recipe, workspace, load_tokenizer(recipe.model, workspace), vocabulary)


@contextmanager
def _noted(problems: list[Problem], where: str) -> Iterator[None]:
    """What is raised inside is a problem of the setting ``where``."""
    try:
        yield
    except FinetuneError as error:
        problems.append(Problem(where, error.message, error.hint))

"""Preflight: every problem of a recipe, found before any GPU work and reported at once."""

from functools import partial

from finetune.data.known import KnownKinds
from finetune.errors import FinetuneError, ModelError, Problem, RecipeError
from finetune.machine.libraries import load_tokenizers
from finetune.machine.space import INSTEAD, ZERO, space
from finetune.models.inspection import require_suited
from finetune.models.preview import inspect_before_run
from finetune.models.scorer import require_scorer
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace
from finetune.training.pushing import require_token
from finetune.training.start import require_continuable
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
    try:
        found = (known or KnownKinds()).kind(recipe.data, partial(workspace.find, trusted=trusted), trusted)
        if found.kind not in recipe.method.reads:
            problems.append(
                Problem(
                    "method",
                    f"{recipe.method.type.upper()} cannot train on these rows: they are {found.title}.",
                    "Choose a method that suits the data.",
                )
            )
        if found.doubt and not is_confirmed:
            problems.append(Problem(found.asked_in, found.doubt, found.remedy))
    except FinetuneError as error:
        problems.append(Problem("data", error.message, error.hint))
    for wanted in recipe.method.wants().values():
        if isinstance(wanted, str):
            try:
                require_scorer(workspace.run(wanted))
            except FinetuneError as error:
                problems.append(Problem("method.rewards", error.message, error.hint))
    if recipe.model.run:
        try:
            require_continuable(recipe, workspace.run(recipe.model.run))
        except FinetuneError as error:
            problems.append(Problem("model.run", error.message, error.hint))
    try:
        require_token(recipe)
    except FinetuneError as error:
        problems.append(Problem("training.push_to", error.message, error.hint))
    try:
        if found := inspect_before_run(recipe.model, workspace):
            require_suited(recipe.adapter, found)
    except ModelError as error:
        problems.append(Problem("model.id", error.message, error.hint))
    if problems:
        raise RecipeError("This recipe cannot be run yet.", problems=tuple(problems))

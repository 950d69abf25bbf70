"""``train`` and ``resume``: runs in the foreground, alone or with the other processes of a launcher."""

import os
import sys
from pathlib import Path

from finetune.commands.command import INTERRUPTED, Commands, answer, settings, take_settings
from finetune.commands.progress import following
from finetune.commands.runs import comparison, summary
from finetune.errors import RecipeError, RunError
from finetune.recipe import Recipe, read_file, read_yaml, set_path
from finetune.runs.run import Run
from finetune.runs.view import View
from finetune.runs.workspace import Workspace
from finetune.service.launcher import EXIT_CONTEXT_LOST
from finetune.service.notices import TIMEOUT_S, Notices, add_options, notices_of
from finetune.training import distributed


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    train = commands.add(
        "train", train_recipe, "train a recipe in the foreground; lists in it are a sweep of every combination"
    )
    train.add_argument("recipe", type=Path, metavar="RECIPE.yaml")
    add_options(train)
    take_settings(train, "replace a setting of the recipe, e.g. method.type=dpo")
    train.add_argument(
        "--yes", action="store_true", help="train even where it is not certain what the rows of the data mean"
    )
    resume = commands.add("resume", resume_run, "resume a run from its last checkpoint, in the foreground")
    resume.add_argument("run", metavar="RUN", nargs="?", help="the number or the id of a run")
    resume.add_argument(
        "--from-hub", metavar="REPO", help="fetch the run from the repository that it was pushed to (training.push_to)"
    )
    add_options(resume)


def train_recipe(options, workspace: Workspace) -> int:
    """Train a new run, or one for each combination of a sweep; the last line is the run's id and state."""
    from finetune.service.preflight import require_runnable
    from finetune.sweep import recipes

    told = _notices(options, workspace)
    made, run_id = recipes(_replaced(read_yaml(read_file(options.recipe)), options.set)), ""
    if len(made) > 1:
        return _train_all(options, made, workspace, told)
    if distributed.is_main_process():
        require_runnable(made[0], workspace, is_confirmed=options.yes)
        run_id = workspace.create(made[0]).id
        _announce(options, f"Training {run_id} …")
    return _train(options, run_id, workspace, told)


def resume_run(options, workspace: Workspace) -> int:
    """Resume a run, or train one that is queued; the last line is its id and state."""
    told = _notices(options, workspace)
    run = _asked(options, workspace)
    if distributed.is_main_process():
        if run.view().state != "queued":
            run.requeue()
        _announce(options, f"Resuming {run.id} …")
    return _train(options, run.id, workspace, told)


def _asked(options, workspace: Workspace) -> Run:
    """The run that is named, or fetched from the Hub."""
    from finetune.training.pushing import fetch

    if bool(options.run) == bool(options.from_hub):
        raise RunError("Name one run, or one repository.", "Give RUN, or --from-hub REPO.")
    if options.run:
        return workspace.run(options.run)
    if distributed.world_size() > 1:
        raise RunError("A run is fetched by one process.", "Fetch it without torchrun; then resume it by its number.")
    return fetch(options.from_hub, workspace)


def _notices(options, workspace: Workspace) -> Notices:
    """What tells of the ends of runs; of those that were killed before, it tells now. Only the main process does."""
    found = notices_of(options)
    if not distributed.is_main_process():
        return Notices()
    found.overdue(workspace)
    return found


def _train(options, run_id: str, workspace: Workspace, told: Notices) -> int:
    """Train in the foreground, alone or with the other processes that this one was started with."""
    from finetune.machine.hardware import machine
    from finetune.service.worker import work

    if distributed.world_size() > 1:
        distributed.end_with_starter()
        distributed.join(machine().device)
    run = workspace.run(distributed.share(run_id))
    try:
        with following(run, quiet=_is_quiet(options)), told.of(run):
            work(run, workspace)
    except KeyboardInterrupt:
        told.close(TIMEOUT_S)
        print(f"{run.id} interrupted. Continue it with: python -m finetune resume {run.number}", file=sys.stderr)
        return INTERRUPTED
    if not distributed.is_main_process():
        return 0
    _score(options, run, workspace)
    told.close()
    view = run.view()
    answer(options, summary(run), [*_message(view), f"{run.id} {view.state}"])
    return _code(view)


def _train_all(options, recipes: list[Recipe], workspace: Workspace, told: Notices) -> int:
    """Train one after the other; none is started after a run that was paused, or that lost the GPU."""
    from finetune.data.known import KnownKinds
    from finetune.service.preflight import require_runnable
    from finetune.service.worker import work

    if distributed.world_size() > 1:
        raise RecipeError("A sweep is trained by one process.", "Start it without torchrun, or on the page.")
    known = KnownKinds()
    for recipe in recipes:
        require_runnable(recipe, workspace, known=known, is_confirmed=options.yes)
    runs, views = [], []
    for n, recipe in enumerate(recipes, start=1):
        runs.append(workspace.create(recipe))
        _announce(options, f"Training {runs[-1].id} ({n} of {len(recipes)}) …")
        with following(runs[-1], quiet=_is_quiet(options)), told.of(runs[-1]):
            work(runs[-1], workspace)
        _score(options, runs[-1], workspace)
        views.append(runs[-1].view())
        if views[-1].state == "paused" or views[-1].code == "gpu":
            break
    told.close()
    facts, lines = comparison(runs)
    answer(options, facts, [*(line for view in views for line in _message(view)), *lines])
    return max(map(_code, views))


def _score(options, run: Run, workspace: Workspace) -> None:
    """Evaluate base and tuned of ``run``, unless several processes trained it, whose models are apart."""
    from finetune.service.scoring import request_own, score

    if distributed.world_size() == 1 and (sheet := request_own(run)):
        _announce(options, "Scoring base and tuned on held-out rows …")
        score(sheet, workspace)


def _announce(options, text: str) -> None:
    if not options.json:
        print(text, file=sys.stderr)


def _is_quiet(options) -> bool:
    """True if nobody should read progress here: it is asked for, or another process shows it."""
    return options.json or not distributed.is_main_process() or distributed.OWNER in os.environ


def _message(view: View) -> list[str]:
    return [f"{view.message} {view.hint}".strip()] if view.message else []


def _code(view: View) -> int:
    return {"done": 0, "stopped": 0, "paused": 0}.get(view.state, EXIT_CONTEXT_LOST if view.code == "gpu" else 1)


def _replaced(values: object, texts: list[str]) -> object:
    """The ``values`` of a recipe, each ``SETTING=VALUE`` in its place."""
    for name, value in settings(texts if isinstance(values, dict) else ()).items():
        set_path(values, name, value)
    return values

"""Scoring: base and tuned are evaluated at the end of every run, and whenever someone asks.

A request stands in the run directory until it is done (``finetune.service.desk``).
"""

from collections.abc import Callable

from finetune.errors import RunError
from finetune.evaluation.sheet import Request, Sheet, key_of, sheets
from finetune.methods import METHODS
from finetune.runs.run import Run
from finetune.runs.view import FINISHED, View
from finetune.runs.workspace import Workspace
from finetune.service.desk import Desk, noted, on_device

LEAST_MINUTES, SHARE = 2.0, 0.5
"""The evaluation at the end of a run ends after these minutes, or after this share of the time it trained."""


def is_scorable(view: View) -> bool:
    """True if the run has ended with a model that answers."""
    return view.has_model and view.state in FINISHED and not METHODS[view.method].makes_scorer


def request_own(run: Run) -> Sheet | None:
    """The request to evaluate ``run`` on its own held-out rows, noted down; None if that makes no sense."""
    view, rows = run.view(), run.recipe.evaluation.score_rows
    if not rows or not is_scorable(view) or not view.held_out_rows:
        return None
    minutes = max(LEAST_MINUTES, SHARE * view.elapsed_s / 60)
    return Sheet(run).ask(Request(rows=rows, minutes=minutes))


def score(sheet: Sheet, workspace: Workspace, stopped: Callable[[], bool] = lambda: False) -> None:
    """Do what ``sheet`` asks for, once the device is free; a stopped one is left for the next server.

    ``GoneError`` if the directory of its run was deleted.
    """
    on_device(sheet, workspace, stopped, lambda: _work(sheet, workspace, stopped))


def _work(sheet: Sheet, workspace: Workspace, stopped: Callable[[], bool]) -> None:
    from finetune.evaluation.evaluate import evaluate

    request = sheet.request
    if request is None:  # another process was quicker
        return
    noted(sheet, "evaluation", lambda: sheet.finish(*evaluate(sheet.run, workspace, request, sheet.report, stopped)))


class Scoring:
    """What people ask to be evaluated, one request after the other."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        found = (sheet for run in workspace.runs() for sheet in sheets(run) if sheet.request)
        self._desk = Desk("evaluation", found, lambda sheet, stopped: score(sheet, workspace, stopped))

    def ask(self, run: Run, request: Request) -> Sheet:
        """Queue ``request``; ``RunError`` if ``run`` cannot be scored, ``DataError`` if the file is not there."""
        if not is_scorable(run.view()):
            raise RunError(
                f"Run {run.id} has no tuned model that answers.",
                "Choose a run that has finished and is no reward model.",
            )
        for path in filter(None, (request.data, request.general)):
            self.workspace.find(path, request.trusted)
        sheet = Sheet(run, key_of(request.data)).ask(request)
        self._desk.put(sheet)
        return sheet

    def close(self) -> None:
        """End the evaluation at work; it is done again by the next server."""
        self._desk.close()

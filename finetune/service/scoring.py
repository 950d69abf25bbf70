"""Scoring: base and tuned are evaluated at the end of every run, and whenever someone asks.

A request stands in the run directory until it is done. One that was interrupted is taken up by the next server, but not
for ever (``finetune.runs.tries``). An evaluation never ends a run: what goes wrong is written down beside its scores.
"""

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from finetune.errors import BusyError, FinetuneError, GoneError, RunError
from finetune.evaluation.sheet import Request, Sheet, key_of, sheets
from finetune.machine.device_errors import explained
from finetune.machine.lease import Lease
from finetune.methods import METHODS
from finetune.runs.run import Run
from finetune.runs.view import FINISHED, View
from finetune.runs.workspace import Workspace

POLL_S = 1.0
LEAST_MINUTES, SHARE = 2.0, 0.5
"""The evaluation at the end of a run ends after these minutes, or after this share of the time it trained."""
WRONG = "An unexpected error ended the evaluation."

log = logging.getLogger(__name__)


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
    while not stopped():
        try:
            lease = Lease(workspace.path).take()
        except BusyError:
            sheet.report("waiting for the machine", 0.0)
            time.sleep(POLL_S)
            continue
        with lease:
            return _work(sheet, workspace, stopped)


def _work(sheet: Sheet, workspace: Workspace, stopped: Callable[[], bool]) -> None:
    from finetune.evaluation.evaluate import Stopped, evaluate

    request = sheet.request
    if request is None:  # another process was quicker
        return
    try:
        with sheet.tries.one("This evaluation"):
            found = evaluate(sheet.run, workspace, request, sheet.report, stopped)
        sheet.finish(*found)
    except Stopped:
        return
    except FinetuneError as error:
        sheet.fail(error)
    except Exception as error:
        if sheet.run.is_gone:
            raise sheet.run.gone() from error
        log.exception("The evaluation of %s ended.", sheet.run.id)
        sheet.fail(explained(error) or RunError(WRONG, "What went wrong is in the log of the program."))


class Scoring:
    """The thread that does what people ask for, one request after the other."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self._asked: SimpleQueue[Sheet] = SimpleQueue()
        self._closing = threading.Event()
        for run in workspace.runs():
            for sheet in sheets(run):
                if sheet.request:
                    self._asked.put(sheet)
        threading.Thread(target=self._serve, name="scoring", daemon=True).start()

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
        sheet.report("waiting for the machine", 0.0)
        self._asked.put(sheet)
        return sheet

    def close(self) -> None:
        """End the evaluation at work; it is done again by the next server."""
        self._closing.set()

    def _serve(self) -> None:
        while True:
            sheet = self._asked.get()
            try:
                score(sheet, self.workspace, self._closing.is_set)
            except GoneError as error:
                log.info("%s %s", error.message, error.hint)
            except Exception:
                log.exception("The evaluation of %s could not be noted.", sheet.run.id)

"""Handing over: what people ask to be written of a finished run, and whether it answers as the run does.

A request stands in the run directory until it is done (``finetune.service.desk``). What is quick is written beside a
training too; the rest and every parity check wait until the device is free.
"""

import threading
from collections.abc import Callable
from functools import partial

from finetune.errors import RunError
from finetune.exports import TARGETS, Target
from finetune.exports.handover import Handover
from finetune.exports.target import Work
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.service.desk import Desk, noted, on_device
from finetune.settings import Settings

WHAT = "handover"


class HandingOver:
    """The handovers of a workspace, one after the other."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self._asked: dict[tuple[str, str], str | None] = {}
        """What waits or is at work, by run and target, with the access token of who asked: that is written nowhere."""
        self._asking = threading.Lock()
        found = (each for run in workspace.runs() for each in handovers(run) if each.is_asked)
        self._desk = Desk(WHAT, found, self._do)

    def ask(
        self, run: Run, target: Target, options: Settings | None = None, token: str | None = None, check: bool = True
    ) -> Handover:
        """Queue a handover; ``RunError`` if ``run`` cannot leave as ``target``, or is being written so already."""
        key = run.id, target.name
        with self._asking:
            if key in self._asked:
                raise RunError(f"Run {run.id} is being written so already ({target.title}).", "Wait until it is done.")
            handover = Handover(run, target).ask(options, check)
            self._asked[key] = token
        self._desk.put(handover)
        return handover

    def close(self) -> None:
        """End the one at work; it is done again by the next server."""
        self._desk.close()

    def _do(self, handover: Handover, stopped: Callable[[], bool]) -> None:
        key = handover.run.id, handover.target.name
        try:
            hand_over(handover, self.workspace, Work(handover.report, stopped, self._asked.get(key)))
        finally:
            self._asked.pop(key, None)


def hand_over(handover: Handover, workspace: Workspace, work: Work) -> None:
    """Write what ``handover`` asks for, and check it; a stopped one is left for the next server.

    ``GoneError`` if the directory of its run was deleted.
    """
    if not handover.is_asked:  # another process was quicker
        return
    put = partial(noted, handover, WHAT, lambda: handover.put(workspace, work))
    if handover.target.is_quick:
        if put():
            on_device(handover, workspace, work.stopped, lambda: _check(handover, workspace, work))
    else:
        on_device(handover, workspace, work.stopped, lambda: put() and _check(handover, workspace, work))


def _check(handover: Handover, workspace: Workspace, work: Work) -> None:
    if work.stopped():
        return
    if handover.request and handover.request.check:
        work.report("comparing its answers with the run's", 0.9)
        if not noted(handover, "parity check", lambda: handover.check(workspace)):
            return
    handover.close()


def handovers(run: Run) -> list[Handover]:
    """The handovers of ``run`` that were ever asked for."""
    return [each for target in TARGETS.values() if (each := Handover(run, target)).folder.is_dir()]

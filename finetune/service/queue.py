"""The queue: one worker thread, first in first out unless a person says otherwise.

The queue is not the lock on the device: that is ``machine.lease.Lease``, which other processes see too.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from finetune.data.known import KnownKinds
from finetune.errors import (
    BusyError,
    RunError,
)
from finetune.machine import libraries
from finetune.machine.device_errors import explained, is_context_lost
from finetune.recipe import Recipe
from finetune.runs.events import Ended, Noted
from finetune.runs.run import ENDED_AS, Run
from finetune.runs.workspace import Workspace
from finetune.service.preflight import check
from finetune.service.worker import work

WATCH_S = 1.0
"""How often it is looked whether the worker is alive."""


class RunQueue:
    """The runs waiting for this machine, and the thread that works on them."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self.known = KnownKinds()
        """What is known of the data that was read last, by whoever read it."""
        self.current: Run | None = None
        self.context_lost = threading.Event()
        """Set once this process can no longer use its graphics card, and has to be started anew."""
        workspace.sweep()
        self._line: list[Run] = [run for run in self._remembered() if run.view().state == "queued"]
        self._changed = threading.Condition(threading.RLock())
        self._closing = False
        self._warm = threading.Event()
        self._worker = self._start_worker()
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def submit(self, recipe: Recipe, trusted: bool = True) -> Run:
        """Check ``recipe`` and queue a run of it; every problem there is raises one ``RecipeError``."""
        self.check(recipe, trusted)
        run = self.workspace.create(recipe)
        self._enqueue(run)
        return run

    def check(self, recipe: Recipe, trusted: bool = True) -> None:
        """``check`` without reading data again that is ``known``."""
        check(recipe, self.workspace, trusted, self.known)

    def resume(self, run_id: str) -> Run:
        """Put a run that was stopped, paused, interrupted or failed in line, to go on from its last checkpoint."""
        with self._changed:
            run = self.workspace.run(run_id)
            run.requeue()
            self._enqueue(run)
        return run

    def delete(self, run_id: str) -> None:
        """Remove an ended run and all that it kept; ``RunError`` if it has not ended or a run to come needs it."""
        with self._changed:
            self.workspace.delete(self.workspace.run(run_id))
        self.workspace.sweep()

    def stop(self, run_id: str) -> Run:
        """Ask a run to stop: one that waits ends at once, one that trains keeps its model so far."""
        return self._ask(run_id, "stop")

    def pause(self, run_id: str) -> Run:
        """Ask a run to save where it is and make room for others; ``resume`` lets it go on."""
        return self._ask(run_id, "pause")

    def move(self, run_id: str, places: int) -> None:
        """Move a waiting run ``places`` further back in the line, or forward if negative."""
        with self._changed:
            ids = [run.id for run in self._line]
            if run_id not in ids:
                raise RunError(f"Run {run_id} is not waiting.", "Only runs that wait can be moved.")
            at = ids.index(run_id)
            self._line.insert(max(0, at + places), self._line.pop(at))
            self._remember()

    def waiting(self) -> list[Run]:
        """The runs in line, next first."""
        with self._changed:
            return list(self._line)

    def close(self, budget_s: float) -> bool:
        """Make way for the end of the program: the run at work saves where it is, and no other begins.

        True if nothing is at work any more; after ``budget_s`` seconds it is given up, and the last checkpoint stands.
        """
        with self._changed:
            self._closing = True
            run = self.current
            if run:
                run.emit(Noted(message="The program was asked to end."))
                with suppress(RunError):
                    run.ask("yield")
            return self._changed.wait_for(lambda: self.current is None, timeout=budget_s)

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Use the device beside the worker, as a chat does; if it is lost on the way, this process has to go too.

        That, and a want of memory, is then said as a ``ModelError``; other errors pass through.
        """
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if is_context_lost(error):
                self.context_lost.set()
            if meant := explained(error):
                raise meant from error
            raise

    def warm(self) -> None:
        """Load the heavy libraries in the background, so that the first click does not wait for them."""

        def load():
            libraries.load()
            self._warm.set()

        threading.Thread(target=load, name="warm", daemon=True).start()

    @property
    def is_warm(self) -> bool:
        return self._warm.is_set()

    def _ask(self, run_id: str, what: str) -> Run:
        run = self.workspace.run(run_id)
        with self._changed:
            run.ask(what)
            if run.id in [waiting.id for waiting in self._line]:
                self._line = [waiting for waiting in self._line if waiting.id != run.id]
                self._remember()
                run.emit(Ended(state=ENDED_AS[what], message="It was taken out of the line before its turn came."))
        return run

    def _enqueue(self, run: Run) -> None:
        with self._changed:
            self._line.append(run)
            self._remember()
            self._changed.notify_all()

    def _remember(self) -> None:
        """Write the order of the line where the next process finds it.

        On a full disk the order of before stays there: the runs themselves are in their directories, and go on.
        """
        unfinished = self.workspace.path / ".queue.json"
        with suppress(OSError):
            unfinished.write_text(json.dumps([run.id for run in self._line]), encoding="utf-8")
            unfinished.replace(self.workspace.path / "queue.json")

    def _remembered(self) -> list[Run]:
        """All runs, those that were in line first and in their order."""
        try:
            ids = json.loads((self.workspace.path / "queue.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            ids = []
        places = {run_id: place for place, run_id in enumerate(ids)}
        runs = sorted(self.workspace.runs(), key=lambda run: run.number)
        return sorted(runs, key=lambda run: places.get(run.id, len(places)))

    def _start_worker(self) -> threading.Thread:
        worker = threading.Thread(target=self._serve, name="runs", daemon=True)
        worker.start()
        return worker

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._line and not self._closing)
                run = self.current = self._line.pop(0)
                self._remember()
            with suppress(BusyError):  # another process works on this very run
                work(run, self.workspace, patient=True)
            with self._changed:
                self.current = None
                self._changed.notify_all()
            if run.view().code == "gpu":
                self.context_lost.set()
                return

    def _watch(self) -> None:
        """Notice a worker that ended without a word, say so in its run, and put another in its place."""
        while not self.context_lost.wait(WATCH_S):
            if self._worker.is_alive() or self.context_lost.is_set():
                continue
            with self._changed:
                run, self.current = self.current, None
                self._changed.notify_all()
            if run:
                run.emit(
                    Ended(
                        state="failed",
                        code="bug",
                        message="The work on this run ended without a word.",
                        hint="Resume it: it goes on from its last checkpoint.",
                    )
                )
            self._worker = self._start_worker()

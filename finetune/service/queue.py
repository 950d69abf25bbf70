"""The queue: one worker thread, first in first out unless a person changes the order.

The queue is not the lock on the device: that is ``machine.lease.Lease``, which other processes respect too.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from finetune.data.known import KnownKinds
from finetune.errors import BusyError, GoneError, RunError
from finetune.machine import libraries
from finetune.machine.device_errors import explained, is_context_lost
from finetune.recipe import Recipe
from finetune.runs import tries
from finetune.runs.events import Ended, Noted
from finetune.runs.run import ENDED_AS, Run
from finetune.runs.workspace import Workspace
from finetune.service.handing_over import HandingOver
from finetune.service.limits import Limits
from finetune.service.notices import Notices
from finetune.service.preflight import require_runnable
from finetune.service.scoring import Scoring, request_own, score
from finetune.service.sharing import Sharing
from finetune.service.worker import work

LEFT = Ended(
    state="failed",
    code="bug",
    message="The worker thread of this run ended without an error message.",
    hint="Resume the run: it continues from its last checkpoint.",
)
WATCH_S = 1.0
"""Seconds between two tests that the worker thread is alive."""

log = logging.getLogger(__name__)


class RunQueue:
    """The queued runs of this machine, and the worker thread that trains them."""

    def __init__(self, workspace: Workspace, limits: Limits = Limits(), notices: Notices = Notices()):
        self.workspace = workspace
        self.notices = notices
        self.limits = limits
        self.known = KnownKinds()
        """The kinds of the data files that were read last, whoever read them."""
        self.current: Run | None = None
        self._sharing = Sharing(lambda: self.current is not None)
        self.context_lost = threading.Event()
        """Set once this process has lost its CUDA context and has to be restarted."""
        workspace.prune()
        notices.overdue(workspace)
        self.scoring = Scoring(workspace)
        """What people ask to be evaluated."""
        self.handing_over = HandingOver(workspace)
        """What people ask to be written of finished runs."""
        self._queued: list[Run] = [run for run in self._in_saved_order() if run.view().state == "queued"]
        self._changed = threading.Condition(threading.RLock())
        self._closing = False
        self._warm = threading.Event()
        self._worker = self._start_worker()
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def submit(self, recipe: Recipe, trusted: bool = True, owner: str | None = None) -> Run:
        """A queued run of ``recipe`` for ``owner``; all its problems raise one ``RecipeError``.

        ``RunError`` if too many wait already.
        """
        self.require_room(owner)  # before the work of a preflight
        self.require_runnable(recipe, trusted)
        with self._changed:
            self.require_room(owner)
            run = self.workspace.create(recipe, owner)
            self._enqueue(run)
        return run

    def require_room(self, owner: str | None = None, more: int = 1) -> None:
        """``RunError`` unless ``more`` runs of ``owner`` may wait."""
        self.limits.require_room([run.owner for run in self.waiting()], owner, more)

    def require_runnable(self, recipe: Recipe, trusted: bool = True) -> None:
        """Preflight (``preflight.require_runnable``) that does not read ``known`` data again."""
        require_runnable(recipe, self.workspace, trusted, self.known)

    def resume(self, run_id: str) -> Run:
        """Queue a stopped, paused, interrupted or failed run again, to continue from its last checkpoint."""
        with self._changed:
            run = self.workspace.run(run_id)
            self.require_room(run.owner)
            run.requeue()
            self._enqueue(run)
        return run

    def delete(self, run_id: str) -> None:
        """Delete an ended run with all its files; ``RunError`` if it has not ended or a queued run starts from it."""
        with self._changed:
            self.workspace.delete(self.workspace.run(run_id))
        self.workspace.prune()

    def stop(self, run_id: str) -> Run:
        """Ask a run to stop: a queued one ends at once, a running one keeps its model so far."""
        return self._ask(run_id, "stop")

    def pause(self, run_id: str) -> Run:
        """Ask a run to save a checkpoint and free the device for others; ``resume`` continues it."""
        return self._ask(run_id, "pause")

    def move(self, run_id: str, places: int) -> None:
        """Move a queued run ``places`` further back in the queue, or forward if negative."""
        with self._changed:
            ids = [run.id for run in self._queued]
            if run_id not in ids:
                raise RunError(f"Run {run_id} is not queued.", "Only queued runs can be moved.")
            at = ids.index(run_id)
            self._queued.insert(max(0, at + places), self._queued.pop(at))
            self._save_order()

    def waiting(self) -> list[Run]:
        """The queued runs, next first, without those whose folder was deleted."""
        with self._changed:
            return [run for run in self._queued if not run.is_gone]

    def close(self, budget_s: float) -> bool:
        """Prepare the end of the program: the current run saves a checkpoint, and no other run starts.

        True once no run is training. After ``budget_s`` seconds it stops waiting, and the last checkpoint counts.
        """
        until = time.monotonic() + budget_s
        with self._changed:
            self._closing = True
            self.scoring.close()
            self.handing_over.close()
            tries.excuse()
            run = self.current
            if run:
                with suppress(RunError):
                    run.emit(Noted(message="The program was asked to end."))
                    run.ask("yield")
            is_idle = self._changed.wait_for(lambda: self.current is None, timeout=budget_s)
        self.notices.close(until - time.monotonic())
        return is_idle

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Use the device beside the worker, as a chat does, once it is its turn.

        A lost CUDA context is noted in ``context_lost``. It and out of memory are raised as ``ModelError``; other
        errors pass through.
        """
        try:
            with self._sharing.turn():
                yield
        except (MemoryError, RuntimeError) as error:
            if is_context_lost(error):
                self.context_lost.set()
            if explanation := explained(error):
                raise explanation from error
            raise

    def warm(self) -> None:
        """Load the heavy libraries in the background, so that nobody waits for them later."""

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
            if run.id in [queued.id for queued in self._queued]:
                self._queued = [queued for queued in self._queued if queued.id != run.id]
                self._save_order()
                run.emit(Ended(state=ENDED_AS[what], message="It was removed from the queue before it started."))
        return run

    def _enqueue(self, run: Run) -> None:
        with self._changed:
            self._queued.append(run)
            self._save_order()
            self._changed.notify_all()

    def _save_order(self) -> None:
        """Write the order of the queue to ``queue.json``, where the next process reads it.

        On a full disk the previous order stays; the runs themselves are in their directories and continue.
        """
        unfinished = self.workspace.path / ".queue.json"
        with suppress(OSError):
            unfinished.write_text(json.dumps([run.id for run in self._queued]), encoding="utf-8")
            unfinished.replace(self.workspace.path / "queue.json")

    def _in_saved_order(self) -> list[Run]:
        """All runs: first those in ``queue.json`` in their order, then the others by number."""
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
                self._changed.wait_for(lambda: self._queued and not self._closing)
                run = self.current = self._queued.pop(0)
                self._save_order()
            is_lost = self._train(run)
            with self._changed:
                self.current = None
                self._changed.notify_all()
            if is_lost:
                self.context_lost.set()
                return
            self._score(run)

    def _train(self, run: Run) -> bool:
        """Train ``run`` to its end; True if the CUDA context was lost. No error leaves this thread."""
        try:
            with self.notices.of(run):
                work(run, self.workspace, patient=True)
        except BusyError:  # another process trains this very run
            pass
        except GoneError as error:
            log.info("%s %s", error.message, error.hint)
            return error.__cause__ is not None and is_context_lost(error.__cause__)
        except Exception:
            log.exception("Run %s could not report how it ended.", run.id)
        return run.view().code == "gpu"

    def _score(self, run: Run) -> None:
        """Evaluate ``run`` before the next one, which would keep it waiting for hours."""
        try:
            if sheet := request_own(run):
                score(sheet, self.workspace, lambda: self._closing)
        except GoneError as error:
            log.info("%s %s", error.message, error.hint)
        except Exception:
            log.exception("Run %s could not be evaluated.", run.id)

    def _watch(self) -> None:
        """Replace a worker thread that ended unexpectedly, and report it in the run it was training."""
        while not self.context_lost.wait(WATCH_S) and not self._closing:
            if self._worker.is_alive() or self.context_lost.is_set():
                continue
            with self._changed:
                run, self.current = self.current, None
                self._changed.notify_all()
            self._worker = self._start_worker()
            if run:
                with suppress(GoneError, OSError):
                    run.emit(LEFT)
                    self.notices.keep(run)

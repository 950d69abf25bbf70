"""The queue: one worker thread, first in first out unless a person says otherwise.

``work`` is the one place that catches everything a run can raise; whatever happens, the run's last event
says so. The queue is not the lock on the device: that is ``hardware.Lease``, which other processes see too.
"""

import json
import os
import subprocess
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial

from finetune import libraries, ranks
from finetune.data.known import Known
from finetune.errors import (
    BusyError,
    DataError,
    DiskError,
    DivergedError,
    FinetuneError,
    ModelError,
    Problem,
    RecipeError,
    RunError,
)
from finetune.events import Ended, Noted
from finetune.hardware import Lease, choose_processes, explained, is_out_of_memory, is_poisoned, machine
from finetune.model import locate
from finetune.recipe import Recipe
from finetune.run import ENDED_AS, Onlooker, Run
from finetune.workspace import PROJECT, Workspace

CODES = {
    RecipeError: "recipe",
    DataError: "data",
    ModelError: "model",
    RunError: "run",
    BusyError: "busy",
    DiskError: "disk",
    DivergedError: "diverged",
}
WATCH_S = 1.0
"""How often it is looked whether the worker is alive."""
LEAVE_S = 10.0
"""How long a process may take to leave after its ``torchrun``; it looks each second, and 3 s were measured."""


class Jobs:
    """The runs waiting for this machine, and the thread that works on them."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self.known = Known()
        """What is known of the data that was read last, by whoever read it."""
        self.current: Run | None = None
        self.poisoned = threading.Event()
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
            if is_poisoned(error):
                self.poisoned.set()
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
                self.poisoned.set()
                return

    def _watch(self) -> None:
        """Notice a worker that ended without a word, say so in its run, and put another in its place."""
        while not self.poisoned.wait(WATCH_S):
            if self._worker.is_alive() or self.poisoned.is_set():
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


def check(recipe: Recipe, workspace: Workspace, trusted: bool = True, known: Known | None = None) -> None:
    """Find out all that is wrong with ``recipe`` before any work; ``RecipeError`` lists it.

    Data that is ``known`` already is not read again.
    """
    problems = []
    training = recipe.training
    if training.batch_size and training.batch_size % training.accumulation:
        problems.append(
            Problem(
                "training.accumulation",
                f"A batch of {training.batch_size} rows does not divide into {training.accumulation} parts.",
                "Choose a divisor.",
            )
        )
    try:
        found = (known or Known()).kind(recipe.data, partial(workspace.find, trusted=trusted), trusted)
        if found.kind not in recipe.method.reads:
            problems.append(
                Problem(
                    "method",
                    f"{recipe.method.type.upper()} cannot learn from these rows: they are {found.title}.",
                    "Choose a method that suits the data.",
                )
            )
    except FinetuneError as error:
        problems.append(Problem("data", error.message, error.hint))
    if recipe.model.run:
        try:
            workspace.run(recipe.model.run)
        except FinetuneError as error:
            problems.append(Problem("model.run", error.message, error.hint))
    if "/" not in recipe.model.id:
        try:
            locate(recipe.model, workspace)
        except ModelError as error:
            problems.append(Problem("model.id", error.message, error.hint))
    if problems:
        raise RecipeError("This recipe cannot be run yet.", problems=tuple(problems))


def work(run: Run, workspace: Workspace, patient: bool = False) -> None:
    """Train ``run`` in this thread; it has ended when this returns, whatever happened.

    If another process trains on this machine, a ``patient`` run waits for it; any other fails and says so. A run that
    is not in line (another process was quicker) is left alone. A process that only helps raises what goes wrong.
    """
    if not ranks.is_first():
        from finetune.train import train

        train(Onlooker(run.path), workspace)
        return
    with run.held():
        if run.view().state != "queued":
            return
        try:
            with _lease(run, workspace, patient):
                if run.cancelled:
                    run.emit(Ended(state=ENDED_AS[run.asked], message="It was asked to end before it began."))
                    return
                together = _processes(run)
                if together == 1:
                    from finetune.train import train

                    train(run, workspace)
        except Exception as error:
            run.emit(_failure(run, error))
            return
    if together > 1:
        _work_together(run, workspace, together)


def _processes(run: Run) -> int:
    """How many processes are to be started for ``run``; 1 in one that was started with others."""
    if ranks.world() > 1:
        return 1
    return choose_processes(machine(), run.recipe.training.processes)


def _work_together(run: Run, workspace: Workspace, processes: int) -> None:
    """Train ``run`` with several processes of this machine, which take its lock and the device themselves.

    If they ended early, that is said once the one that writes has left, or it might go on writing after the end. One
    that does not leave still works on the run, and the run is shown so.
    """
    environment = os.environ | {
        "FINETUNE_HOME": str(workspace.path),
        "PYTHONPATH": str(PROJECT),
        ranks.OWNER: str(os.getpid()),
    }
    with (run.path / "processes.log").open("ab") as log:
        done = subprocess.run(ranks.command(run, processes), env=environment, stdout=log, stderr=log, check=False)
    if not done.returncode:
        return
    with suppress(BusyError), run.held(LEAVE_S):
        if run.view().state not in ("failed", *ENDED_AS.values()):
            run.emit(_killed() if done.returncode < 0 else _ended_early(run))


def _lease(run: Run, workspace: Workspace, patient: bool) -> AbstractContextManager:
    while True:
        lease = Lease(workspace.path)
        try:
            return lease.take()
        except BusyError:
            if not patient:
                raise
            if run.cancelled:
                return nullcontext()
            time.sleep(1)


def _ended_early(run: Run) -> Ended:
    return Ended(
        state="failed",
        code="bug",
        message="The processes that trained together ended early.",
        hint=f"What they said is in processes.log of run {run.id}. Resume it: it goes on from its last checkpoint.",
    )


def _killed() -> Ended:
    """The last event of a run that one of its processes was taken from."""
    return Ended(
        state="interrupted",
        message="One of the processes that trained together ended.",
        hint="Resume the run: it goes on from its last checkpoint.",
    )


def _failure(run: Run, error: Exception) -> Ended:
    """The last event of a run that raised ``error``; a bug leaves its traceback in the run directory."""
    with suppress(OSError):
        (run.path / "traceback.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    if is_out_of_memory(error):
        return Ended(
            state="failed",
            code="memory",
            message="The machine ran out of memory.",
            hint="Choose QLoRA, a shorter length, a smaller batch or a smaller model.",
        )
    if is_poisoned(error):
        return Ended(
            state="failed",
            code="gpu",
            message="The graphics card stopped working for this program, so nothing more could be saved.",
            hint="The program has to start anew; then resume the run from its last checkpoint.",
        )
    if ranks.is_lost(error):
        return _killed()
    if isinstance(error, FinetuneError):
        code = next(code for kind, code in CODES.items() if isinstance(error, kind))
        return Ended(state="failed", code=code, message=error.message, hint=error.hint)
    run.emit(Noted(message=f"{type(error).__name__}: {error}", level="warning"))
    return Ended(
        state="failed",
        code="bug",
        message="Something went wrong that should not have.",
        hint=f"The details are in traceback.txt of run {run.id}.",
    )

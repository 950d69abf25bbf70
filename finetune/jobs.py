"""The queue: one worker thread, first in first out.

``work`` is the one place that catches everything a run can raise; whatever happens, the run's last event
says so. The queue is not the lock on the device: that is ``hardware.Lease``, which other processes see too.
"""

import queue
import threading
import time
import traceback
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from finetune import libraries
from finetune.data.mix import read_main, read_others
from finetune.errors import (
    BusyError,
    DataError,
    DivergedError,
    FinetuneError,
    ModelError,
    Problem,
    RecipeError,
    RunError,
)
from finetune.events import Ended, Noted
from finetune.hardware import Lease
from finetune.model import locate
from finetune.recipe import Recipe
from finetune.run import Run
from finetune.workspace import Workspace

CODES = {
    RecipeError: "recipe",
    DataError: "data",
    ModelError: "model",
    RunError: "run",
    BusyError: "busy",
    DivergedError: "diverged",
}


class Jobs:
    """The runs waiting for this machine, and the thread that works on them."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self.current: Run | None = None
        self._waiting: list[Run] = []
        self._changing = threading.RLock()
        self._arrivals: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._warm = threading.Event()
        for run in reversed(workspace.runs()):
            if run.view().state == "queued":
                self._enqueue(run)
        threading.Thread(target=self._serve, name="runs", daemon=True).start()

    def submit(self, recipe: Recipe, trusted: bool = True) -> Run:
        """Check ``recipe`` and queue a run of it; every problem there is raises one ``RecipeError``."""
        check(recipe, self.workspace, trusted)
        run = self.workspace.create(recipe)
        self._enqueue(run)
        return run

    def stop(self, run_id: str) -> Run:
        """Ask a run to stop: one that waits ends at once, one that trains keeps its model so far."""
        run = self.workspace.run(run_id)
        with self._changing:
            run.cancel()
            if run.id in [waiting.id for waiting in self._waiting]:
                self._waiting = [waiting for waiting in self._waiting if waiting.id != run.id]
                run.emit(Ended(state="stopped", message="Stopped before it began."))
        return run

    def waiting(self) -> list[Run]:
        """The runs in line, next first."""
        with self._changing:
            return list(self._waiting)

    def warm(self) -> None:
        """Load the heavy libraries in the background, so that the first click does not wait for them."""

        def load():
            libraries.load()
            self._warm.set()

        threading.Thread(target=load, name="warm", daemon=True).start()

    @property
    def is_warm(self) -> bool:
        return self._warm.is_set()

    def _enqueue(self, run: Run) -> None:
        with self._changing:
            self._waiting.append(run)
        self._arrivals.put(run)

    def _serve(self) -> None:
        while True:
            run = self._arrivals.get()
            with self._changing:
                if run not in self._waiting:
                    continue
                self._waiting.remove(run)
                self.current = run
            work(run, self.workspace, patient=True)
            self.current = None


def check(recipe: Recipe, workspace: Workspace, trusted: bool = True) -> None:
    """Find out all that is wrong with ``recipe`` before any work; ``RecipeError`` lists it."""
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
        find = partial(workspace.find, trusted=trusted)
        dataset = read_main(recipe.data, find, trusted)
        read_others(recipe.data, dataset, find, trusted)
        if dataset.kind not in recipe.method.reads:
            problems.append(
                Problem(
                    "method",
                    f"{recipe.method.type.upper()} cannot learn from these rows: they are {dataset.title}.",
                    "Choose a method that suits the data.",
                )
            )
    except FinetuneError as error:
        problems.append(Problem("data", error.message, error.hint))
    if "/" not in recipe.model.id:
        try:
            locate(recipe.model, workspace)
        except ModelError as error:
            problems.append(Problem("model.id", error.message, error.hint))
    if problems:
        raise RecipeError("This recipe cannot be run yet.", problems=tuple(problems))


def work(run: Run, workspace: Workspace, patient: bool = False) -> None:
    """Train ``run`` in this thread; it has ended when this returns, whatever happened.

    If another process trains on this machine, a ``patient`` run waits for it; any other fails and says so.
    """
    with run.held():
        try:
            with _lease(run, workspace, patient):
                if run.cancelled:
                    run.emit(Ended(state="stopped", message="Stopped before it began."))
                    return
                from finetune.train import train

                train(run, workspace)
        except Exception as error:
            run.emit(_failure(run, error))


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


def _failure(run: Run, error: Exception) -> Ended:
    """The last event of a run that raised ``error``; a bug leaves its traceback in the run directory."""
    (run.path / "traceback.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    if _is_out_of_memory(error):
        return Ended(
            state="failed",
            code="memory",
            message="The machine ran out of memory.",
            hint="Choose QLoRA, a shorter length, a smaller batch or a smaller model.",
        )
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


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("out of memory", "can't allocate memory", "CUDNN_STATUS_NOT_SUPPORTED")
    )

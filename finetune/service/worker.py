"""The worker: trains one run to its end, whatever happens.

``work`` is the one place that catches everything a run can raise; the run's last event reports it.
"""

import os
import shutil
import subprocess
import time
import traceback
from contextlib import AbstractContextManager, nullcontext, suppress

from finetune.errors import (
    BusyError,
    DataError,
    DiskError,
    DivergedError,
    FinetuneError,
    ModelError,
    RecipeError,
    RunError,
)
from finetune.machine.device_errors import is_context_lost, is_out_of_memory
from finetune.machine.hardware import choose_processes, machine
from finetune.machine.lease import Lease
from finetune.paths import PROJECT
from finetune.redaction import redacted
from finetune.runs.events import Ended, Noted
from finetune.runs.run import ENDED_AS, ReadOnlyRun, Run
from finetune.runs.workspace import Workspace
from finetune.training import distributed

CODES = {
    RecipeError: "recipe",
    DataError: "data",
    ModelError: "model",
    RunError: "run",
    BusyError: "busy",
    DiskError: "disk",
    DivergedError: "diverged",
}
LEAVE_S = 10.0
"""How long a process may take to end after its ``torchrun``; it polls each second, and 3 s were measured."""


def work(run: Run, workspace: Workspace, patient: bool = False) -> None:
    """Train ``run`` in this thread; it has ended when this returns, whatever happened.

    If another process trains on this machine, a ``patient`` run waits for it, and any other fails as ``busy``. A run
    that is not queued (another process was quicker) is left alone. ``GoneError`` if its directory was deleted. In
    distributed training rank > 0 raises its errors.
    """
    if not distributed.is_main_process():
        from finetune.training.train import train

        train(ReadOnlyRun(run.path), workspace)
        return
    with run.held():
        if run.view().state != "queued":
            return
        try:
            with _lease(run, workspace, patient):
                if run.view().state != "queued":  # a machine on which the lock is not seen was quicker
                    return
                if run.cancelled:
                    run.emit(Ended(state=ENDED_AS[run.asked], message="It was asked to end before it started."))
                    return
                processes = _processes(run)
                if processes == 1:
                    from finetune.training.train import train

                    with run.beating():
                        train(run, workspace)
        except Exception as error:
            if run.is_gone:
                if not run.events_path.exists():  # what a library made again in the middle of saving
                    shutil.rmtree(run.path, ignore_errors=True)
                raise run.gone() from error
            run.emit(_failure(run, error))
            return
    if processes > 1:
        _work_distributed(run, workspace, processes)


def _processes(run: Run) -> int:
    """How many processes to start for ``run``; 1 inside a process that ``torchrun`` started."""
    if distributed.world_size() > 1:
        return 1
    return choose_processes(machine(), run.recipe.training.processes)


def _work_distributed(run: Run, workspace: Workspace, processes: int) -> None:
    """Train ``run`` with several processes of this machine, which take its lock and the lease on the device themselves.

    If they ended early, ``Ended`` is emitted once rank 0 has released the run's lock, or rank 0 might write events
    after the end. If it does not release the lock, it still trains, and the run is shown as running.
    """
    environment = os.environ | {
        "FINETUNE_HOME": str(workspace.path),
        "PYTHONPATH": str(PROJECT),
        distributed.OWNER: str(os.getpid()),
    }
    with run.here(), (run.path / "processes.log").open("ab") as log:
        done = subprocess.run(distributed.command(run, processes), env=environment, stdout=log, stderr=log, check=False)
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
        message="The processes of the distributed training ended early.",
        hint=f"See processes.log of run {run.id}. Resume the run: it continues from its last checkpoint.",
    )


def _killed() -> Ended:
    """The last event of a run after one of its processes was killed."""
    return Ended(
        state="interrupted",
        message="One of the processes of the distributed training ended.",
        hint="Resume the run: it continues from its last checkpoint.",
    )


def _failure(run: Run, error: Exception) -> Ended:
    """The last event of a run that raised ``error``; a bug leaves its traceback in the run directory."""
    with suppress(OSError):
        (run.path / "traceback.txt").write_text(
            redacted("".join(traceback.format_exception(error))), "utf-8", "replace"
        )
    if is_out_of_memory(error):
        return Ended(
            state="failed",
            code="memory",
            message="The machine ran out of memory.",
            hint="Choose QLoRA, a shorter length, a smaller batch or a smaller model.",
        )
    if is_context_lost(error):
        return Ended(
            state="failed",
            code="gpu",
            message="The GPU stopped working for this program (CUDA context lost), so nothing more could be saved.",
            hint="Restart the program, then resume the run from its last checkpoint.",
        )
    if distributed.is_lost(error):
        return _killed()
    if isinstance(error, FinetuneError):
        code = next(code for kind, code in CODES.items() if isinstance(error, kind))
        return Ended(state="failed", code=code, message=error.message, hint=error.hint)
    run.emit(Noted(message=f"It was an error of the kind {type(error).__name__}.", level="warning"))
    return Ended(
        state="failed",
        code="bug",
        message="An unexpected error ended the run.",
        hint=f"The traceback is in traceback.txt of run {run.id}.",
    )

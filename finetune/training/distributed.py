"""Distributed training: which process of a run this is, what all agree on, how they are started.

``torchrun`` and ``accelerate launch`` give each process its rank in the environment. The main process (rank 0) writes
the run directory; the others read it and write nothing. A process started alone is the main one of one.
"""

import os
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta

import psutil

from finetune.runs.run import Run

OWNER = "FINETUNE_OWNER"
"""The environment variable with the id of the process of ours that started their ``torchrun``."""
WATCH_S = 1.0
"""Seconds between two looks at the processes that started this one."""

LATE = timedelta(days=2)
"""How long the other processes wait for what takes the main one hours."""
LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "NCCL", "ProcessGroup")
"""What gloo's and NCCL's errors say when the other side has ended."""


def world_size() -> int:
    """How many processes take part in the training."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """True for rank 0, which writes."""
    return int(os.environ.get("RANK", "0")) == 0


def end_with_starter() -> None:
    """End this process, whatever it does, once its ``torchrun`` has ended, or the owner of that (``OWNER``).

    Killed, they cannot end it, and it would keep the device and the run's lock. It saves nothing: the last checkpoint
    stands. On Windows a process is not told that its parent ended, and stays.
    """
    if os.name == "nt":
        return
    torchrun = os.getppid()

    def watch() -> None:
        while _is_above(torchrun):
            time.sleep(WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, name="starter", daemon=True).start()


def _is_above(torchrun: int) -> bool:
    """True while this process has ``torchrun`` for its parent, and that one its owner, if it has one."""
    owner = os.environ.get(OWNER)
    with suppress(psutil.NoSuchProcess):
        return os.getppid() == torchrun and (owner is None or psutil.Process(torchrun).ppid() == int(owner))
    return False


def join(device: str) -> None:
    """Meet the other processes, on ``device`` (``cuda``, ``mps`` or ``cpu``); nothing to do for one alone.

    ``RuntimeError`` if they do not find each other: ``accelerate launch --cpu`` starts a single process whatever
    number it is given, and two that do not know of each other would write to the same folder.
    """
    if world_size() == 1:
        return
    import torch
    from accelerate import PartialState

    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    state = PartialState(cpu=device == "cpu")
    if state.num_processes != world_size():
        raise RuntimeError(f"{world_size()} processes were started, and {state.num_processes} found each other.")


def agree(*answers: bool) -> tuple[bool, ...]:
    """The main process's ``answers``, in all of them: clocks and files may differ elsewhere."""
    return tuple(share(list(answers)))


def share(value):
    """The main process's ``value``, in all of them; they must have joined."""
    if world_size() == 1:
        return value
    from torch import distributed

    values = [value]
    distributed.broadcast_object_list(values, src=0)
    return values[0]


def share_late(value):
    """``share`` for a value that the main process may need hours for, such as a downloaded model."""
    if world_size() == 1:
        return value
    from torch import distributed

    values, patient = [value], distributed.new_group(timeout=LATE, backend="gloo")
    distributed.broadcast_object_list(values, src=0, group=patient)
    return values[0]


def is_lost(error: BaseException) -> bool:
    """True if ``error`` says that another process of this run has ended."""
    return world_size() > 1 and isinstance(error, RuntimeError) and any(words in str(error) for words in LOST)


def command(run: Run, processes: int) -> list[str]:
    """The command that trains ``run``, which is queued, with so many processes on this machine.

    With this process as their ``OWNER`` in the environment they end with it.
    """
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    return [*launcher, "-m", "finetune", "resume", run.id]

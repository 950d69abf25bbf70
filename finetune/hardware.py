"""What this machine has, each choice that follows from it with its reason, and the lease on the device.

Nothing here changes a setting of the machine; it looks and answers.
"""

import re
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from finetune import heap
from finetune.allowance import cores, free_memory_bytes, memory_bytes
from finetune.errors import BusyError, ModelError, RecipeError

GIB = 2**30
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "CUDNN_STATUS_NOT_SUPPORTED")
"""What torch's errors say when there is no memory left: CUDA and MPS, the CPU's allocator, cuDNN."""

POISONED = ("device-side assert", "illegal memory access", "unspecified launch failure", "uncorrectable ECC error")
"""What torch's errors say when a CUDA context is lost (CUDA's errors 710, 700, 719 and 214, called sticky)."""


@dataclass(frozen=True)
class Choice:
    """Something chosen for the person."""

    value: str
    reason: str


@dataclass(frozen=True)
class Machine:
    """The device that trains, and what is around it."""

    device: str
    """``cuda``, ``mps`` or ``cpu``, as torch names it."""
    name: str
    cores: int
    memory_bytes: int
    """Main memory this process may use."""
    gpu_memory_bytes: int = 0

    @property
    def words(self) -> str:
        """In a line, e.g. ``CPU, 2 cores, 23 GB``."""
        if self.device == "cuda":
            return f"{self.name}, {self.gpu_memory_bytes / GIB:.0f} GB"
        if self.device == "mps":
            return f"{self.name}, {self.memory_bytes / GIB:.0f} GB shared"
        return cpu_words(self.cores, self.memory_bytes)


def cpu_words(cores: int, memory_bytes: int) -> str:
    """A machine without a graphics card, in a line."""
    return f"CPU, {cores} {'core' if cores == 1 else 'cores'}, {memory_bytes / GIB:.0f} GB"


@cache
def machine() -> Machine:
    """This machine, by asking torch (which takes a second or two the first time)."""
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return Machine("cuda", properties.name, cores(), memory_bytes(), properties.total_memory)
    if torch.backends.mps.is_available():
        return Machine("mps", "Apple GPU", cores(), memory_bytes())
    return Machine("cpu", "CPU", cores(), memory_bytes())


def choose_processes(machine: Machine, asked: int | None = None) -> int:
    """How many processes train together: as ``asked``, else one for each graphics card."""
    if asked or machine.device != "cuda":
        return asked or 1
    import torch

    return torch.cuda.device_count()


def choose_precision(machine: Machine, asked: str = "auto") -> Choice:
    """The number format of the arithmetic: ``bf16``, ``fp16`` or ``fp32``.

    ``RecipeError`` if the machine cannot do what is asked.
    """
    import torch

    if asked == "fp16" and machine.device != "cuda":
        raise RecipeError("training.precision: fp16 needs an NVIDIA card.", "Choose auto, bf16 or fp32.")
    if asked != "auto":
        return Choice(asked, "the recipe asks for it")
    if machine.device == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Choice(
                "bf16", "this card computes bf16 natively, which is twice as fast and as safe as fp32 in range"
            )
        return Choice("fp16", "this card has no bf16, and fp16 is the next fastest")
    if machine.device == "mps":
        return Choice("fp32", "half precision on Apple GPUs is not yet reliable enough to train in")
    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        return Choice("bf16", "this processor has bf16 instructions")
    return Choice("fp32", "this processor has no bf16 instructions")


def memory_used_bytes(machine: Machine) -> int:
    """Memory in use now: allocated on the card, or resident for this process."""
    if machine.device == "cuda":
        import torch

        return torch.cuda.memory_allocated()
    return psutil.Process().memory_info().rss


def free_bytes(machine: Machine) -> int:
    """Memory a run could still take: on the card, or in main memory within the container's limit."""
    if machine.device == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info()
        return free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return free_memory_bytes()


def is_out_of_memory(error: BaseException) -> bool:
    """True if ``error`` says that the card or the machine had no memory left."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


def is_poisoned(error: BaseException) -> bool:
    """True if ``error`` says that this process can no longer use its card: every further call would fail too."""
    return isinstance(error, RuntimeError) and any(words in str(error) for words in POISONED)


def explained(error: BaseException) -> ModelError | None:
    """What ``error`` means for who asked for an answer: the card is lost, or no memory is left; None for any other."""
    if is_poisoned(error):
        return ModelError(
            "The graphics card stopped working for this program.", "The program has to start anew; then ask again."
        )
    if is_out_of_memory(error):
        return ModelError(
            "There was not enough memory.", "End what else uses it, such as a run that trains, then try again."
        )
    return None


class Peak:
    """The most memory in use since this was made, beyond what was in use then.

    On an NVIDIA card what PyTorch allocated (``torch.cuda.max_memory_allocated``; not measured here). Elsewhere the
    process's resident memory: Linux keeps its peak, which ``clear_refs`` sets back (proc(5)); where that is not
    allowed, and on other systems, a thread looks every few milliseconds.
    """

    EVERY_S = 0.005

    def __init__(self, machine: Machine):
        self._machine = machine
        if machine.device == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()
        release_memory()
        self._start = self._seen = memory_used_bytes(machine)
        self._is_watched = machine.device != "cuda" and not _reset_resident_peak()
        if self._is_watched:
            threading.Thread(target=self._watch, name="peak", daemon=True).start()

    def bytes(self) -> int:
        """The growth; it is measured no further."""
        if self._machine.device == "cuda":
            import torch

            return torch.cuda.max_memory_allocated() - self._start
        if self._is_watched:
            self._is_watched = False
            return max(self._seen, memory_used_bytes(self._machine)) - self._start
        return _resident_peak() - self._start

    def _watch(self) -> None:
        while self._is_watched:
            self._seen = max(self._seen, memory_used_bytes(self._machine))
            time.sleep(self.EVERY_S)


def _reset_resident_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _resident_peak() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def release_memory() -> None:
    """Give back what a finished run or chat held, to the card and to the system."""
    import gc
    import sys

    gc.collect()
    if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
        torch.cuda.empty_cache()
    heap.trim()


class Lease:
    """The right to train on this machine's device: one holder at a time, across processes."""

    def __init__(self, workspace_path: Path):
        self._lock = FileLock(Path(workspace_path) / "device.lock", thread_local=False, is_singleton=False)

    def take(self) -> "Lease":
        """Take it now, or raise ``BusyError``; leaving the ``with`` block gives it back."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise BusyError(
                "Another run is training on this machine.", "Wait until it is finished, or stop it."
            ) from None
        return self

    def __enter__(self) -> "Lease":
        return self if self._lock.is_locked else self.take()

    def __exit__(self, *_) -> None:
        self._lock.release()

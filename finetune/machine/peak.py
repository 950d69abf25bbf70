"""The peak meter: the most memory in use, on a GPU or in main memory."""

import re
import threading
import time
from pathlib import Path

from finetune.machine.hardware import Machine, memory_used_bytes, release_memory


class Peak:
    """The peak of the memory in use since this object was made, beyond what was in use then.

    On an NVIDIA GPU it counts what PyTorch allocated (``torch.cuda.max_memory_allocated``; not measured here).
    Elsewhere it counts the process's resident memory: Linux keeps the peak, and ``clear_refs`` resets it (proc(5)).
    Where that is not allowed, and on other systems, a thread samples it every few milliseconds.
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
        """The growth in bytes; this ends the measurement."""
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

"""What this machine has, and each choice that follows from it with its reason.

Nothing here changes a setting of the machine; it looks and answers.
"""

from dataclasses import dataclass
from functools import cache

import psutil

from finetune.errors import RecipeError
from finetune.machine import malloc
from finetune.machine.limits import cores, free_memory_bytes, memory_bytes

GIB = 2**30


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
    capabilities = torch.cpu.get_capabilities()
    if capabilities.get("avx512_bf16") or capabilities.get("amx_tile"):
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


def release_memory() -> None:
    """Give back what a finished run or chat held, to the card and to the system."""
    import gc
    import sys

    gc.collect()
    if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
        torch.cuda.empty_cache()
    malloc.trim()

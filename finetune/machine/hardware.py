"""What this machine has, and the automatic choices that follow from it, each with its reason.

Nothing here changes a setting of the machine.
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
    """An automatic choice and the reason for it."""

    value: str
    reason: str


@dataclass(frozen=True)
class Machine:
    """The device that trains, with the cores and the memory around it."""

    device: str
    """``cuda``, ``mps`` or ``cpu``, as torch names it."""
    name: str
    cores: int
    memory_bytes: int
    """Main memory this process may use."""
    gpu_memory_bytes: int = 0

    @property
    def words(self) -> str:
        """The machine in one line, e.g. ``CPU, 2 cores, 23 GB``."""
        if self.device == "cuda":
            return f"{self.name}, {self.gpu_memory_bytes / GIB:.0f} GB"
        if self.device == "mps":
            return f"{self.name}, {self.memory_bytes / GIB:.0f} GB shared"
        return cpu_words(self.cores, self.memory_bytes)


def cpu_words(cores: int, memory_bytes: int) -> str:
    """A machine without a GPU, in one line."""
    return f"CPU, {cores} {'core' if cores == 1 else 'cores'}, {memory_bytes / GIB:.0f} GB"


@cache
def machine() -> Machine:
    """This machine, as torch reports it (the first call takes a second or two)."""
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return Machine("cuda", properties.name, cores(), memory_bytes(), properties.total_memory)
    if torch.backends.mps.is_available():
        return Machine("mps", "Apple GPU", cores(), memory_bytes())
    return Machine("cpu", "CPU", cores(), memory_bytes())


def choose_processes(machine: Machine, asked: int | None = None) -> int:
    """Processes of the distributed training: as ``asked``, else one per GPU."""
    if asked or machine.device != "cuda":
        return asked or 1
    import torch

    return torch.cuda.device_count()


def choose_precision(machine: Machine, asked: str = "auto") -> Choice:
    """The precision to train in: ``bf16``, ``fp16`` (both mixed precision) or ``fp32``.

    Raises ``RecipeError`` if the machine does not support what is ``asked``.
    """
    import torch

    if asked == "fp16" and machine.device != "cuda":
        raise RecipeError("fp16 needs an NVIDIA GPU.", "Choose auto, bf16 or fp32 for training.precision.")
    if asked != "auto":
        return Choice(asked, "the recipe asks for it")
    if machine.device == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Choice(
                "bf16", "this GPU supports bf16 natively: twice as fast as fp32, with the same range of numbers"
            )
        return Choice("fp16", "this GPU has no bf16, and fp16 is the next fastest")
    if machine.device == "mps":
        return Choice("fp32", "16-bit precision on Apple GPUs is not yet reliable enough for training")
    capabilities = torch.cpu.get_capabilities()
    if capabilities.get("avx512_bf16") or capabilities.get("amx_tile"):
        return Choice("bf16", "this processor has bf16 instructions")
    return Choice("fp32", "this processor has no bf16 instructions")


def dtype_of(precision: str):
    """The ``torch.dtype`` of a precision."""
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]


def memory_used_bytes(machine: Machine) -> int:
    """Memory in use now: allocated on the GPU, or resident for this process."""
    if machine.device == "cuda":
        import torch

        return torch.cuda.memory_allocated()
    return psutil.Process().memory_info().rss


def free_bytes(machine: Machine, beside: bool = False) -> int:
    """Memory a run could still take: on the GPU, or in main memory within the container's limit.

    On a GPU that counts what PyTorch holds and does not use; ``beside`` a training it does not, which uses it again.
    """
    if machine.device == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info()
        return free if beside else free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return free_memory_bytes()


def release_memory() -> None:
    """Return the memory of a finished run or chat to the GPU and to the operating system."""
    import gc
    import sys

    gc.collect()
    if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
        torch.cuda.empty_cache()
    malloc.trim()

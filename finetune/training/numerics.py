"""Numerics: what the trainer that was built really computes a step with, and why.

Values are read back from the trainer and from PyTorch, so none of them is only an intention. The measurements are in
``assets/lab.md``.
"""

import os
import sys

from finetune.machine.hardware import Choice
from finetune.machine.libraries import ASKED_THREADS
from finetune.machine.limits import granted_cores, visible_cores


def numerics_of(trainer, device: str) -> tuple[tuple[str, Choice], ...]:
    """What ``trainer`` (of TRL) computes its steps with on ``device``: loss, optimizer, compilation, threads."""
    return (
        ("cross_entropy", loss_of(trainer.model)),
        ("training.optimizer", optimizer_of(trainer.args)),
        ("compilation", compilation_of(trainer.args)),
        ("threads", threads(device)),
    )


def loss_of(model) -> Choice:
    """Whether the cross-entropy is chunked or full; TRL puts its chunked head into ``forward``."""
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    if "forward" in vars(base):
        from trl.trainer import utils

        only = "; masked tokens are left out" if utils._use_triton(base.device) else ""
        reason = "logits are computed chunk by chunk; with 152,000 tokens a step takes 40 % less memory (measured)"
        return Choice("chunked", reason + only)
    return Choice("full", "this trainer computes the logits of all tokens at once")


def optimizer_of(arguments) -> Choice:
    """The optimizer by the name Transformers has for it."""
    value = str(getattr(arguments.optim, "value", arguments.optim))
    if "8bit" in value:
        return Choice(value, "optimizer state in 8 bits instead of 32, which takes a quarter of the memory")
    if "fused" in value:
        return Choice(value, "all weights in one operation, in a third of the time of the unfused one (measured)")
    return Choice(value, "this trainer asks for it")


def compilation_of(arguments) -> Choice:
    """Whether ``torch.compile`` is used."""
    if arguments.torch_compile:
        return Choice("on", "this trainer asks for it")
    return Choice("off", "it gained at most 6 %, within the noise, for a first step of 27 s (measured on a CPU)")


def threads(device: str) -> Choice:
    """How many CPU threads share one operation in this process."""
    import torch

    value = str(torch.get_num_threads())
    if asked := next((name for name in ASKED_THREADS if name in os.environ), ""):
        return Choice(value, f"{asked} asks for it")
    if torch.get_num_threads() == granted_cores() < visible_cores():
        reason = f"the container's quota comes to {value} of {visible_cores()} cores; more would wait for each other"
        return Choice(value, reason)
    if device != "cpu":
        return Choice(value, "PyTorch's own choice, for what is computed beside the GPU")
    spins = os.environ.get("GOMP_SPINCOUNT") if sys.platform == "linux" else None
    sleep = f"; they spin {int(spins):,} times and then sleep, so that a busy machine does not stall" if spins else ""
    return Choice(value, f"one for each core that PyTorch found; two were 1.3 to 1.8 times as fast as one{sleep}")

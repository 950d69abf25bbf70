"""FSDP 2: a model sharded among several processes, where their launcher asks for it.

``accelerate launch`` asks through the environment, by a file such as TRL's ``fsdp2.yaml``. A recipe does not say so,
since the result is the same. The recipe's precision, and checkpoints that can be resumed, overrule that file.
"""

import os

from finetune.errors import RunError
from finetune.machine.hardware import Choice

FSDP, FSDP_VERSION, DEEPSPEED = "ACCELERATE_USE_FSDP", "FSDP_VERSION", "ACCELERATE_USE_DEEPSPEED"
"""The environment variables in which accelerate's launcher tells its processes what to do."""
WHOLE = "FULL_STATE_DICT"
"""Checkpoints in which the first process writes all weights, as a model on its own has them."""


def is_asked() -> bool:
    """True if the launcher wants the model sharded."""
    return _is_true(FSDP)


def require_known(quantized: bool) -> None:
    """``RunError`` if the launcher wants the model sharded in a way from whose checkpoints no run can resume."""
    if _is_true(DEEPSPEED):
        raise _unknown("DeepSpeed")
    if is_asked() and os.environ.get(FSDP_VERSION, "1") != "2":
        raise _unknown("the first version of FSDP")
    if is_asked() and quantized:
        raise RunError(
            "A model quantized to 4 bits cannot be sharded (FSDP): each process needs all of it.",
            "Start it with torchrun, or choose LoRA.",
        )


def _unknown(how: str) -> RunError:
    return RunError(
        f"The launcher shards the model by {how}, from whose checkpoints no run can resume here.",
        "Use FSDP 2: `fsdp_version: 2` in the launcher's file, as in TRL's fsdp2.yaml.",
    )


def loading_device(device: str) -> str:
    """Where to load a model that trains on ``device``: main memory, if it is to be sharded."""
    return "cpu" if is_asked() else device


def apply_recipe(precision: str) -> None:
    """Have the trainer that is built next compute in ``precision`` and save whole weights, whatever the file says."""
    os.environ["ACCELERATE_MIXED_PRECISION"] = "no" if precision == "fp32" else precision
    if is_asked():
        os.environ["FSDP_STATE_DICT_TYPE"] = WHOLE


def parallelism_of(trainer) -> Choice:
    """Whether the model is sharded among the processes (FSDP) or replicated (DDP), and why."""
    if trainer.is_fsdp_enabled:
        return Choice("sharded (FSDP 2)", "the launcher asks for it; the main process saves all weights")
    if is_asked():
        return Choice("replicated (DDP)", "the launcher asks for FSDP 2, which Accelerate has for several GPUs only")
    return Choice("replicated (DDP)", "the fastest where each GPU can hold the model")


def require_same(saved: bool, trainer) -> None:
    """``RunError`` unless a checkpoint that was ``saved`` sharded, or not, can be resumed by ``trainer``."""
    if saved == trainer.is_fsdp_enabled:
        return
    how = "from a sharded model (FSDP 2)" if saved else "from a replicated model"
    raise RunError(
        f"This run's checkpoints were saved {how}, and it can only resume that way.",
        "Resume it with `accelerate launch --config_file FILE -m finetune resume RUN`, FILE being the one it was"
        " started with."
        if saved
        else "Resume it on the page, or with `python -m finetune resume RUN`.",
    )


def _is_true(name: str) -> bool:
    return os.environ.get(name, "false").lower() in ("true", "1")

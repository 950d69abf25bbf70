"""A model whose weights several processes share out among them (FSDP2), where their launcher asks for it.

``accelerate launch`` asks through the environment, by a file such as TRL's ``fsdp2.yaml``; a recipe says nothing of
it, since what is learnt is the same. What that file says of arithmetic and checkpoints gives way to the recipe and to
checkpoints that can be gone on from.
"""

import os

from finetune.errors import RunError
from finetune.machine.hardware import Choice

FSDP, FSDP_VERSION, DEEPSPEED = "ACCELERATE_USE_FSDP", "FSDP_VERSION", "ACCELERATE_USE_DEEPSPEED"
"""The environment variables in which accelerate's launcher tells its processes what to do."""
WHOLE = "FULL_STATE_DICT"
"""Checkpoints in which the first process writes all weights, as a model on its own has them."""


def is_asked() -> bool:
    """True if the launcher wants the model shared out."""
    return _is_true(FSDP)


def require_known(quantized: bool) -> None:
    """``RunError`` if the launcher wants the model shared out in a way from whose checkpoints a run cannot go on."""
    if _is_true(DEEPSPEED):
        raise _unknown("DeepSpeed")
    if is_asked() and os.environ.get(FSDP_VERSION, "1") != "2":
        raise _unknown("the first version of FSDP")
    if is_asked() and quantized:
        raise RunError(
            "A model that is compressed to 4 bits cannot be shared out: each process needs all of it.",
            "Start it with torchrun, or choose LoRA.",
        )


def _unknown(how: str) -> RunError:
    return RunError(
        f"The launcher shares the model out by {how}, from whose checkpoints a run cannot go on here.",
        "Use FSDP 2: `fsdp_version: 2` in the launcher's file, as in TRL's fsdp2.yaml.",
    )


def loading_device(device: str) -> str:
    """Where to load a model that is to be trained on ``device``: main memory, if parts of it are to be shared out."""
    return "cpu" if is_asked() else device


def settle(precision: str) -> None:
    """Have the trainer that is built next compute in ``precision`` and save whole weights, whatever the file says."""
    os.environ["ACCELERATE_MIXED_PRECISION"] = "no" if precision == "fp32" else precision
    if is_asked():
        os.environ["FSDP_STATE_DICT_TYPE"] = WHOLE


def sharding(trainer) -> Choice:
    """Whether the processes that train share the model out, or have a copy each, and why."""
    if trainer.is_fsdp_enabled:
        return Choice("shared out (FSDP 2)", "the launcher asks for it; the first process saves all weights")
    if is_asked():
        return Choice(
            "a copy each (DDP)", "the launcher asks for FSDP 2, which Accelerate has for several graphics cards only"
        )
    return Choice("a copy each (DDP)", "the fastest where each graphics card can hold it")


def require_same(saved: bool, trainer) -> None:
    """``RunError`` unless a checkpoint that was ``saved`` by processes sharing the model out, or not, suits."""
    if saved == trainer.is_fsdp_enabled:
        return
    how = "by processes that share the model out (FSDP 2)" if saved else "by processes with a copy of the model each"
    raise RunError(
        f"This run's checkpoints were saved {how}, and it can only go on so.",
        "Resume it with `accelerate launch --config_file FILE -m finetune resume RUN`, FILE being the one it was"
        " started with."
        if saved
        else "Resume it on the page, or with `python -m finetune resume RUN`.",
    )


def _is_true(name: str) -> bool:
    return os.environ.get(name, "false").lower() in ("true", "1")

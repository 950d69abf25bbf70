"""Fits, tight or won't fit: what a need of memory comes to on this machine and on the usual GPUs, and in a sentence."""

from finetune.format import rough_duration, size

GIB = 2**30
MARGIN = 1.15
"""What is asked to be free per byte estimated, before it is said to fit: estimates were up to 20 % low once."""
GPUS_GB = (8, 12, 16, 24, 48, 80, 141)
"""Memory of the GPUs people have, as they are sold."""
USABLE = 0.97
"""Share of a GPU's nominal memory that programs get (an H100 of 80 GB reports 79.6 GiB; others a little less)."""

FITS, TIGHT, TOO_BIG = "fits", "tight", "won't fit"


def verdict(needed_bytes: float, free_bytes: float) -> str:
    """``FITS``, ``TIGHT`` (it may, but the estimate's error could undo it) or ``TOO_BIG``."""
    if needed_bytes * MARGIN <= free_bytes:
        return FITS
    return TIGHT if needed_bytes <= free_bytes else TOO_BIG


def usual_gpus(needed_bytes: float) -> dict[str, str]:
    """The verdict for an otherwise unused GPU of each usual size, smallest first: ``{"8 GB": "won't fit", …}``."""
    return {f"{gigabytes} GB": verdict(needed_bytes, gigabytes * GIB * USABLE) for gigabytes in GPUS_GB}


def sentence(needed_bytes: int, free_bytes: int, time_s: float | None, can_be_quantized: bool) -> str:
    """The verdict in plain English, with the figures and, if it is known, how long the run takes."""
    needed, free = size(needed_bytes), size(free_bytes)
    word = verdict(needed_bytes, free_bytes)
    if word == TOO_BIG:
        advice = ["a smaller batch", "a shorter length", *(["QLoRA"] if can_be_quantized else [])]
        choices = " or ".join([", ".join(advice[:-1]), advice[-1]])
        return f"Won't fit: needs about {needed}, and {free} are free. Choose {choices}."
    duration = f" About {rough_duration(time_s)}." if time_s else ""
    if word == TIGHT:
        return f"Tight: needs about {needed} of the {free} that are free.{duration}"
    return f"Needs about {needed} of the {free} that are free: fits.{duration}"

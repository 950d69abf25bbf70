"""What a run cost: time, energy where the machine tells its power, and money at a price per hour."""

from collections.abc import Sequence
from itertools import pairwise

from finetune.runs.events import Stepped
from finetune.runs.view import View
from finetune.settings import Settings

POWER = "power_w"
"""The gauge that tells the power of the machine, in watts (``finetune.machine.gauges``)."""
JOULES = 3.6e6
"""In a kilowatt-hour."""
MOST_PRICE = 1000.0
"""Euros per hour; more is a slip."""


class Cost(Settings):
    """What the training took."""

    training_s: float
    """Seconds in which steps were taken; loading and waiting are left out."""
    total_s: float | None = None
    """Seconds from the last start of the run to its end; None while it has not ended."""
    energy_kwh: float | None = None
    """Of the training; None where the machine does not tell its power."""
    price: float | None = None
    """Euros per hour of this machine; None if nobody gave one."""

    @property
    def money(self) -> float | None:
        """Euros for the whole run; None without a price."""
        if self.price is None:
            return None
        return self.price * max(self.training_s, self.total_s or 0.0) / 3600


def cost(view: View, price: float | None = None) -> Cost:
    """What the run of ``view`` cost, at ``price`` euros per hour."""
    ended = view.started_at is not None and view.ended_at is not None
    return Cost(
        training_s=view.elapsed_s,
        total_s=max(0.0, view.ended_at - view.started_at) if ended else None,
        energy_kwh=energy_kwh(view.steps),
        price=price,
    )


def energy_kwh(steps: Sequence[Stepped]) -> float | None:
    """The integral of the power over the training time (trapezoidal rule); None without two readings of it."""
    read = [(step.elapsed_s, step.gauges[POWER]) for step in steps if POWER in step.gauges]
    if len(read) < 2:
        return None
    (first_s, first_w), joules = read[0], 0.0
    joules += first_s * first_w  # before its first reading the power was about that
    for (start_s, start_w), (end_s, end_w) in pairwise(read):
        joules += (end_s - start_s) * (start_w + end_w) / 2
    return joules / JOULES

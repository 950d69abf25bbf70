"""What is measured of the machine after each step of a run, and shown with it.

A new measure is one entry in ``GAUGES``: a run's events carry it by its name, and the page shows its words.
"""

from collections.abc import Callable
from dataclasses import dataclass

from finetune.format import size
from finetune.machine.hardware import Machine, memory_used_bytes


@dataclass(frozen=True)
class Gauge:
    """One measure of the machine."""

    name: str
    """Its key in ``events.Stepped.gauges``, with the unit: ``memory_bytes``."""
    read: Callable[[Machine], float | None]
    """Its value now; None where this machine cannot tell. It is called in each step, so it takes microseconds."""
    words: Callable[[float], str]
    """A value as a figure under the bar of the run."""


GAUGES = (Gauge("memory_bytes", memory_used_bytes, lambda value: f"{size(value)} of memory in use"),)
"""Every measure, in the order shown."""


def measured(machine: Machine) -> dict[str, float]:
    """The value of each gauge now, by its name; those that this machine cannot tell are left out."""
    return {gauge.name: value for gauge in GAUGES if (value := gauge.read(machine)) is not None}


def figures(values: dict[str, float]) -> list[str]:
    """``values`` (gauge name -> value) in words, in the order of ``GAUGES``; one that is not there is left out."""
    return [gauge.words(values[gauge.name]) for gauge in GAUGES if gauge.name in values]

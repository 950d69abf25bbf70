"""What a method measures beside the loss, and how to read it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """One measure that a method reports in training and at evaluations."""

    name: str
    """Its key in ``Stepped.metrics`` and ``Evaluated.metrics``."""
    title: str
    """What it is, as the caption of its chart."""
    short: str
    """The same in a few words, as the head of a column."""
    sentence: str
    """How to read it, as a sentence; ``{last}`` stands for the newest value on held-out rows."""
    unit: Literal["share", "number"] = "number"
    """A ``share`` lies between 0 and 1 and is shown in percent."""
    better: Literal["higher", "lower"] = "higher"
    """Which way is better."""

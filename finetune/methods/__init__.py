"""What is learnt from: one file per method, found by being there."""

import sys

from finetune.data.kinds import KINDS
from finetune.errors import DataError
from finetune.methods.measure import Measure
from finetune.methods.method import Material, Method
from finetune.registry import discover

METHODS: dict[str, type[Method]] = {
    cls.model_fields["type"].default: cls for cls in discover(sys.modules[__name__], Method)
}

MEASURES: dict[str, Measure] = {measure.name: measure for cls in METHODS.values() for measure in cls.measures}
"""Every measure of every method, by its name."""


def method_for(kind: str) -> Method:
    """The first method that learns from examples of ``kind``, with its defaults; ``DataError`` if there is none."""
    for cls in METHODS.values():
        if kind in cls.reads:
            return cls()
    raise DataError(
        f"Nothing here learns from {KINDS[kind].plural} yet.",
        "Choose another format for the rows, if they have answers to learn from.",
    )


__all__ = ["MEASURES", "METHODS", "Measure", "Material", "Method", "method_for"]

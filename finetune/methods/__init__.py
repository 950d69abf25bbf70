"""The training methods (objectives): what is trained on. One file each, found by being there.

method        the base class: everything the program has to know of a method
measure       what a method reports beside the loss, and how to read it
packing       several short rows in one sequence
sft           supervised fine-tuning on chats and plain text
cpt           continued pre-training on plain text
dpo           direct preference optimization on pairs of answers
orpo, simpo,
cpo           the same without a reference; pairs has what they share
distillation  learning from a larger model, token by token
kto           Kahneman-Tversky optimization on rated answers

How to add one:

1. A file here with a subclass of ``Method``: its settings (a docstring under each is its help), its words, the kinds it
   ``reads``, what it costs and shows, ``sequences`` and ``columns``, ``trainer`` and ``script``.
2. A preset in ``assets/recipes/`` if it shall have a card, and a sample in ``assets/samples/`` with its line in
   ``assets/samples.yaml``.
3. ``python -m tests.docs --write`` for the tables of the README. The contract tests find it by themselves.
"""

import sys

from finetune.data.kinds import KINDS
from finetune.errors import DataError, Problem
from finetune.methods.measure import Measure, derived
from finetune.methods.method import Material, Method
from finetune.registry import discover

METHODS: dict[str, type[Method]] = {
    cls.model_fields["type"].default: cls for cls in discover(sys.modules[__name__], Method)
}

MEASURES: dict[str, Measure] = {measure.name: measure for cls in METHODS.values() for measure in cls.measures}
"""Every measure of every method, by its name."""


def measure_of(name: str) -> Measure:
    """The measure called ``name``; one that no method declares is made from its name."""
    return derived(name, MEASURES)


def method_for(kind: str) -> Method:
    """The method that is meant for examples of ``kind`` first of all, with its defaults; ``DataError`` without one."""
    able = [cls for cls in METHODS.values() if kind in cls.reads]
    if able:
        return min(able, key=lambda cls: cls.reads.index(kind))()
    raise DataError(
        f"No method here trains on {KINDS[kind].plural} yet.",
        "Choose another format for the rows, if they have answers to train on.",
    )


def needs(method: type[Method]) -> str:
    """What data a method trains on, in words: ``pairs of answers``."""
    return " or ".join(KINDS[each].plural for each in method.reads)


def mismatch(method: Method, kind: str, rows: str) -> Problem | None:
    """What is wrong with training ``method`` on examples of ``kind``, which are read from ``rows``; None if it can."""
    if kind in method.reads:
        return None
    able = ", ".join(cls.model_fields["type"].default for cls in METHODS.values() if kind in cls.reads)
    return Problem(
        "method",
        f"{method.type.upper()} trains on {needs(type(method))}, and these rows are {rows}.",
        f"Choose a method that reads {KINDS[kind].plural} ({able}), or another format for the rows.",
    )


__all__ = ["MEASURES", "METHODS", "Material", "Measure", "Method", "measure_of", "method_for", "mismatch", "needs"]

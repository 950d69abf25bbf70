"""What is learnt from: one file per method, found by being there."""

import sys

from finetune.errors import DataError
from finetune.methods.method import Material, Method
from finetune.registry import discover

KINDS = {"rated": "answers with a rating", "prompt": "questions without answers"}
"""Kinds of example that are recognized and that no method reads, in words."""

METHODS: dict[str, type[Method]] = {
    cls.model_fields["type"].default: cls for cls in discover(sys.modules[__name__], Method)
}


def method_for(kind: str) -> Method:
    """The first method that learns from examples of ``kind``, with its defaults; ``DataError`` if there is none."""
    for cls in METHODS.values():
        if kind in cls.reads:
            return cls()
    raise DataError(
        f"Nothing here learns from {KINDS.get(kind, kind)} yet.",
        "Choose another format for the rows, if they have answers to learn from.",
    )


__all__ = ["METHODS", "Material", "Method", "method_for"]

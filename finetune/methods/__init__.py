"""What is learnt from: one file per method, found by being there."""

import sys

from finetune.methods.method import Material, Method
from finetune.registry import discover

METHODS: dict[str, type[Method]] = {
    cls.model_fields["type"].default: cls for cls in discover(sys.modules[__name__], Method)
}

__all__ = ["METHODS", "Material", "Method"]

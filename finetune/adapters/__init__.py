"""What is updated: one file per adapter, found by being there."""

import sys

from finetune.adapters.adapter import Adapter
from finetune.registry import discover

ADAPTERS: dict[str, type[Adapter]] = {
    cls.model_fields["type"].default: cls for cls in discover(sys.modules[__name__], Adapter)
}

__all__ = ["ADAPTERS", "Adapter"]

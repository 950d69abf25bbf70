"""The adapters: which parameters are trained. One file each, found by being there.

adapter     the base class: everything the program has to know of an adapter
full        full fine-tuning: the model's own weights
lora        low-rank matrices beside every linear layer
qlora       the same over a base quantized to 4 bits
targets     what LoRA leaves out of a model, and the share of it that it covers
experts     how LoRA reaches experts that are stored as one tensor
prefix      keys and values of virtual tokens before every prompt

How to add one:

1. A file here with a subclass of ``Adapter``: its settings (a docstring under each is its help), its words, what it
   attaches to, what goes with it, and ``peft_arguments``; ``initialize`` where PEFT's first values will not do.
2. A preset in ``assets/recipes/`` if it shall have a card.
3. ``python -m tests.docs --write`` for the tables of the README. The contract tests find it by themselves.
"""

import sys

from finetune.adapters.adapter import Adapter
from finetune.registry import discover

ADAPTERS: dict[str, type[Adapter]] = {
    cls.model_fields["type"].default: cls for cls in discover(sys.modules[__name__], Adapter)
}

__all__ = ["ADAPTERS", "Adapter"]

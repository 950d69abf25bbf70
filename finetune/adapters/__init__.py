"""The adapters: which parameters are trained. One file each, found by being there.

adapter     the base class: everything the program has to know of an adapter
full        full fine-tuning: the model's own weights
lora        low-rank matrices beside every linear layer
qlora       the same over a base quantized to 4 or 8 bits
prefix      keys and values of virtual tokens before every prompt
freeze      the model's own weights in its last layers, or in named ones
ptuning     embeddings of virtual tokens that a small network computes
prompt      embeddings of virtual tokens
ia3         factors for keys, values and feed-forward activations
ln_tuning   the scales of norms
adalora     LoRA whose rank moves to the layers that need it
bitfit      the model's own biases
bottleneck  small networks behind attention and feed-forward blocks
peft        further adapters of PEFT, by name
targets     what LoRA leaves out of a model, and the share of it that it covers
experts     how LoRA reaches experts that are stored as one tensor
names       names of layers, as a person lists them and as a model has them
virtual_tokens
            what prefix, prompt and ptuning share
own         the code of adapters that PEFT has not

How to add one:

1. A file here with a subclass of ``Adapter``: its settings (a docstring under each is its help), its words, what it
   attaches to, what goes with it, and ``peft_arguments``. What PEFT does not do by itself goes into ``on_base``,
   ``on_adapter``, ``on_trainer`` or ``on_saved``, which an exported script repeats.
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

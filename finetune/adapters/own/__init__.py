"""Adapters that PEFT has not, each as one file that needs PEFT alone and goes along with what is saved.

bottleneck_adapter      small networks behind attention and feed-forward blocks

``register`` makes their types known to PEFT, before an adapter is loaded.
"""

from importlib import import_module


def register() -> None:
    """Make the types of the adapters here known to PEFT in this process."""
    import_module("finetune.adapters.own.bottleneck_adapter")

"""What an adapter is: its settings, how the base is loaded for it, its PEFT configuration, and what goes with it.

An adapter says *which parameters are trained*; the objective is the method's business. Whatever the rest of the program
has to know of an adapter is declared here, so that nobody asks for its name.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from finetune.settings import Settings


class Adapter(Settings):
    """The base of all adapters; a subclass is one file in ``finetune/adapters/``."""

    type: str

    # On the card, and in an export
    order: ClassVar[int] = 100
    title: ClassVar[str]
    plain: ClassVar[str]
    """One sentence for someone who has never trained a model."""
    engineer: ClassVar[str]
    """One line in the field's terms."""
    analogy: ClassVar[str]
    """What it is like, in one sentence for a manager: true, and from a world that everyone knows."""
    avoid: ClassVar[str]
    """When not to use it, and what to use instead."""
    paper: ClassVar[str]
    """Where it comes from: authors, year, title, and the arXiv number."""
    noun: ClassVar[str] = "adapter"
    """What is saved, in a model card: ``LoRA adapter``."""

    # What it trains
    attaches_to: ClassVar[Literal["weights", "linear layers", "prompt"]]
    """The model's own ``weights``, matrices beside its ``linear layers``, or virtual tokens before every ``prompt``."""
    weight_bits: ClassVar[int] = 16
    """Bits per weight of the base while it trains."""
    rate_factor: ClassVar[float] = 1.0
    """Its customary learning rate as a multiple of full fine-tuning's."""

    # What goes with it
    packs: ClassVar[bool] = True
    """True if several rows may share a sequence."""
    checkpoints_activations: ClassVar[bool] = True
    """True if activations can be recomputed instead of kept (activation checkpointing)."""
    merges: ClassVar[bool] = True
    """True if what was trained can be merged into the base, or is a whole model already."""
    kept: ClassVar[tuple[str, ...]] = ()
    """Settings that a saved adapter has for good, beside those in ``peft_arguments``."""
    profiled: ClassVar[bool] = True
    """True if the dry run of ``fit.profile`` covers it; else its memory can only be measured."""

    initialize: ClassVar[Callable[[Any, Any], None] | None] = None
    """Sets the first values of a new adapter, given its ``PeftModel`` and the tokenizer, where PEFT's own will not do.

    A function of its module (``staticmethod``) that imports what it uses: an exported script repeats its source.
    """

    def quantization_arguments(self) -> dict[str, Any] | None:
        """Plain arguments of the ``BitsAndBytesConfig`` for the frozen base, or None if it is not quantized."""
        return None

    def peft_arguments(self) -> tuple[str, dict[str, Any]] | None:
        """The PEFT configuration's class by name, with its plain arguments; None if the model's own weights train."""
        return None

    def suited_to(self, model: Any) -> dict[str, Any]:
        """Plain arguments that the PEFT configuration needs beside ``peft_arguments``, or instead, for ``model``."""
        return {}

    def own_positions(self) -> int:
        """Positions of the model's context that it takes itself, in tokens."""
        return 0

    def first_cache(self, model: Any) -> Any:
        """The key-value cache (a ``DynamicCache`` of one row) that a tuned answer of ``model`` begins with.

        None if it begins with an empty one. Where there is one, base and tuned are the same layers with and without it.
        """
        return None

    def quantization(self) -> Any:
        """How Transformers quantizes the base while loading it, or None."""
        from transformers import BitsAndBytesConfig

        arguments = self.quantization_arguments()
        return BitsAndBytesConfig(**arguments) if arguments else None

    def peft_config(self, model: Any = None) -> Any:
        """The PEFT configuration for ``model``, or None if the model's own weights are trained."""
        import peft

        if self.peft_arguments() is None:
            return None
        name, arguments = self.peft_arguments()
        suited = self.suited_to(model) if model is not None else {}
        return getattr(peft, name)(**arguments | suited)

    def trains_base(self) -> bool:
        """True if the base's own weights are trained, so that they need gradients and optimizer state."""
        return self.peft_arguments() is None

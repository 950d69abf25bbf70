"""What an adapter is: its settings, how the base is loaded for it, and the PEFT configuration it adds.

An adapter says *which weights move*; what they learn from is the method's business.
"""

from typing import Any, ClassVar

from finetune.settings import Settings


class Adapter(Settings):
    """The base of all adapters; a subclass is one file in ``finetune/adapters/``."""

    type: str

    order: ClassVar[int] = 100
    title: ClassVar[str]
    plain: ClassVar[str]
    """One sentence for someone who has never trained a model."""
    engineer: ClassVar[str]
    """One line in the field's terms."""
    rate_factor: ClassVar[float] = 1.0
    """Its customary learning rate as a multiple of full fine-tuning's."""
    weight_bits: ClassVar[int] = 16
    """Bits per weight of the frozen base."""

    def quantization_arguments(self) -> dict[str, Any] | None:
        """Plain arguments of the ``BitsAndBytesConfig`` for the frozen base, or None if it is not quantized."""
        return None

    def peft_arguments(self) -> tuple[str, dict[str, Any]] | None:
        """The PEFT configuration's class by name, with its plain arguments; None if the model's own weights train."""
        return None

    def quantization(self) -> Any:
        """How Transformers quantises the base while loading it, or None."""
        from transformers import BitsAndBytesConfig

        arguments = self.quantization_arguments()
        return BitsAndBytesConfig(**arguments) if arguments else None

    def peft_config(self) -> Any:
        """The PEFT configuration, or None if the model's own weights are trained."""
        import peft

        if self.peft_arguments() is None:
            return None
        name, arguments = self.peft_arguments()
        return getattr(peft, name)(**arguments)

    def trains_base(self) -> bool:
        """True if the base's own weights move, so they need gradients and optimizer state."""
        return self.peft_arguments() is None

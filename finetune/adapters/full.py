"""Full fine-tuning: every weight of the model is trained."""

from typing import ClassVar, Literal

from finetune.adapters.adapter import Adapter


class Full(Adapter):
    """Every weight is trained; the result is a whole model."""

    type: Literal["full"] = "full"

    order: ClassVar[int] = 10
    title: ClassVar[str] = "Full fine-tuning"
    plain: ClassVar[str] = "Every weight of the model is trained. It can change the most and needs the most memory."
    engineer: ClassVar[str] = "Full fine-tuning: fp32 master weights with AdamW, about 16 bytes per parameter."
    noun: ClassVar[str] = "model"
    attaches_to: ClassVar[str] = "weights"
    weight_bits: ClassVar[int] = 32

"""Full fine-tuning: every weight of the model moves."""

from typing import ClassVar, Literal

from finetune.adapters.adapter import Adapter


class Full(Adapter):
    """Every weight is trained; the result is a whole model."""

    type: Literal["full"] = "full"

    order: ClassVar[int] = 10
    title: ClassVar[str] = "The whole model"
    plain: ClassVar[str] = "Every part of the model may change. It learns the most and needs the most memory."
    engineer: ClassVar[str] = "Full fine-tuning: fp32 master weights with AdamW, about 16 bytes per parameter."
    weight_bits: ClassVar[int] = 32

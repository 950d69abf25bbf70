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
    analogy: ClassVar[str] = (
        "Like sending the whole company to retraining: everyone may change, also those who were fine."
    )
    avoid: ClassVar[str] = (
        "With few rows, or where the model must keep all that it knows: LoRA changes less and needs far less memory."
    )
    paper: ClassVar[str] = (
        "Howard and Ruder 2018, Universal Language Model Fine-tuning for Text Classification, arXiv 1801.06146"
    )
    noun: ClassVar[str] = "model"
    attaches_to: ClassVar[str] = "weights"
    weight_bits: ClassVar[int] = 32

    def lighter(self) -> str:
        return "qlora"

"""LoRA: low-rank matrices beside the frozen weights, and only they are trained."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.adapters import experts, targets
from finetune.adapters.adapter import Adapter


class LoRA(Adapter):
    """Low-rank adaptation (Hu et al. 2021) of every linear layer."""

    type: Literal["lora"] = "lora"
    rank: int = Field(16, ge=1, le=512)
    """Rank of the trained matrices. Higher: the adapter can learn more and takes more memory. (r)"""
    alpha: int = Field(32, ge=1, le=1024)
    """Scale of the adapter; twice the rank is usual. (α; the update is scaled by α / r)"""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the adapter's inputs dropped at random while training, against overfitting."""
    experts: bool = True
    """Train the experts of a mixture of experts too: most of its weights. A step takes about half as long again and
    up to twice the memory. (PEFT's target_parameters; not with dropout)"""

    order: ClassVar[int] = 20
    title: ClassVar[str] = "LoRA"
    plain: ClassVar[str] = (
        "The model stays as it is and a small adapter is trained beside it. Quick, light, and easy to undo."
    )
    engineer: ClassVar[str] = "LoRA on all linear layers; the frozen base in bf16 where the machine can."
    analogy: ClassVar[str] = (
        "Like notes on transparent film over a printed book: the book stays as it is, and the film lifts off."
    )
    avoid: ClassVar[str] = (
        "Where the model must learn a new language or a large body of knowledge: full fine-tuning can store more."
    )
    paper: ClassVar[str] = "Hu et al. 2021, LoRA: Low-Rank Adaptation of Large Language Models, arXiv 2106.09685"
    kept: ClassVar[tuple[str, ...]] = ("experts",)
    noun: ClassVar[str] = "LoRA adapter"
    attaches_to: ClassVar[str] = "linear layers"
    rate_factor: ClassVar[float] = 10.0

    def peft_arguments(self):
        """A ``LoraConfig`` for causal language modelling."""
        return "LoraConfig", {
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "target_modules": "all-linear",
            "task_type": "CAUSAL_LM",
        }

    def suited_to(self, model) -> dict:
        """The layers of ``model`` without an adapter, and its experts, where dropout can be left to PEFT's own layers.

        PEFT adds an expert's B A to its weights before their input is known, so it has nothing to drop there.
        """
        names = targets.left_out(model)
        found = {"exclude_modules": names} if names else {}
        quantized = bool(self.quantization_arguments())
        given = experts.arguments(model, self.rank, self.alpha, self.experts and not self.dropout, names, quantized)
        return found | given

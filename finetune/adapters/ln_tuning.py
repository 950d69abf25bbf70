"""Norm tuning: copies of the model's normalization layers are trained in place of the frozen ones."""

from typing import ClassVar, Literal

from finetune.adapters import targets
from finetune.adapters.adapter import Adapter
from finetune.adapters.names import named
from finetune.errors import ModelError


class LNTuning(Adapter):
    """LayerNorm and RMSNorm tuning (Zhao et al. 2023): only the scales of the norms are trained."""

    type: Literal["ln_tuning"] = "ln_tuning"

    order: ClassVar[int] = 90
    title: ClassVar[str] = "Norm tuning"
    plain: ClassVar[str] = (
        "The model stays as it is but for the small layers that balance its signals; copies of those are trained."
    )
    engineer: ClassVar[str] = "LayerNorm tuning: copies of all LayerNorm and RMSNorm layers are trained."
    analogy: ClassVar[str] = "Like setting the exposure of a camera anew for another light: the lens stays the same."
    avoid: ClassVar[str] = (
        "Where the model must learn new words or a new format: there is little that a norm can say. LoRA learns more."
    )
    paper: ClassVar[str] = (
        "Zhao et al. 2023, Tuning LayerNorm in Attention: Towards Efficient Multi-Modal LLM Finetuning, "
        "arXiv 2312.11420"
    )
    noun: ClassVar[str] = "norm adapter"
    attaches_to: ClassVar[str] = "norms"
    rate_factor: ClassVar[float] = 400.0

    def peft_arguments(self):
        """An ``LNTuningConfig`` for causal language modelling."""
        return "LNTuningConfig", {"task_type": "CAUSAL_LM"}

    def suited_to(self, model) -> dict:
        """The norms of the decoder of ``model``; ``ModelError`` for one whose norms have no weights."""
        decoder = {id(part) for part in targets.decoder_of(model).modules()}

        def fits(name, part, _):
            weight = getattr(part, "weight", None)
            return "norm" in type(part).__name__.lower() and weight is not None and id(part) in decoder

        norms = named(model, fits)
        if not norms:
            raise ModelError(
                f"The norms of this model ({model.config.model_type}) have no weights to train.", "Choose LoRA."
            )
        return {"target_modules": norms}

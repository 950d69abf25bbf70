"""Contrastive preference optimization: the better answer shall be likelier than the worse one, and likely itself."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.errors import Problem
from finetune.methods.measure import LIKELIHOOD_MARGIN, REWARD_ACCURACY, Measure
from finetune.methods.method import Method
from finetune.methods.pairs import ReferenceFree


class CPO(ReferenceFree, Method):
    """Contrastive preference optimization on pairs of answers, with TRL's ``CPOTrainer``."""

    type: Literal["cpo"] = "cpo"
    beta: float = Field(0.1, gt=0, le=10)
    """Scale of the difference of the two log-probabilities: higher saturates sooner. (β of Xu et al. 2024; τ of
    ``ipo``.)"""
    loss_type: Literal["sigmoid", "hinge", "ipo"] = "sigmoid"
    """Loss: ``sigmoid`` is CPO; ``hinge`` and ``ipo`` (per token) stop at a margin, against overfitting."""
    label_smoothing: float = Field(0.0, ge=0, lt=0.5)
    """Label smoothing of ``sigmoid``: share of pairs taken to be the wrong way round."""
    sft_weight: float = Field(1.0, ge=0, le=100, title="SFT weight")
    """SFT term: weight of the cross-entropy on chosen answers, per token, which keeps the model close to them."""

    order: ClassVar[int] = 26
    title: ClassVar[str] = "Contrastive preference optimization"
    plain: ClassVar[str] = (
        "You show it two good answers of which one is better, and it learns to write the better one and not the other."
    )
    engineer: ClassVar[str] = (
        "Contrastive preference optimization (CPO): log-probabilities compared, plus cross-entropy."
    )
    analogy: ClassVar[str] = (
        "Like a translator who sees, beside a good translation, a better one, and learns from the difference."
    )
    avoid: ClassVar[str] = (
        "Where the two answers differ much in length: their log-probabilities are sums over tokens. SimPO takes means."
    )
    paper: ClassVar[str] = (
        "Xu et al. 2024, Contrastive Preference Optimization: Pushing the Boundaries of LLM Performance in Machine "
        "Translation, arXiv 2401.08417"
    )
    trl: ClassVar[tuple[str, str]] = ("trl.experimental.cpo", "CPO")
    measures: ClassVar[tuple[Measure, ...]] = (REWARD_ACCURACY, LIKELIHOOD_MARGIN)

    def check(self) -> Problem | None:
        """Label smoothing is a setting of one loss; TRL would pass over it with the others."""
        if not self.label_smoothing or self.loss_type == "sigmoid":
            return None
        message = f"The loss {self.loss_type} has no label smoothing."
        return Problem("method.label_smoothing", message, "Set it to 0, or choose sigmoid.")

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of pairs of answers."""
        return "Pairs of answers: CPO with LoRA, which trains the better answers and sets them apart from the worse."

    def options(self, pack: bool = False) -> dict:
        """The loss and its weights."""
        return {
            "beta": self.beta,
            "loss_type": self.loss_type,
            "label_smoothing": self.label_smoothing,
            "cpo_alpha": self.sft_weight,
            **self.as_prepared,
        }

"""Contrastive preference optimization: the better answer shall be likelier than the worse one, and likely itself."""

import inspect
from typing import ClassVar, Literal

from pydantic import Field

from finetune.errors import Problem
from finetune.methods.measure import LIKELIHOOD_MARGIN, REWARD_ACCURACY, Measure
from finetune.methods.method import Material, Method
from finetune.methods.pairs import PairCollator, Pairs, without_reference

SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """A ``CPOTrainer`` over rows that are tokenized already: prompt_ids, chosen_ids, rejected_ids."""
    from trl.experimental.cpo import CPOConfig, CPOTrainer

    trainer = without_reference(ordered(CPOTrainer, PADDING_ROW))
    return trainer(args=CPOConfig(**divided(arguments)), train_dataset=train, **others)
'''
"""``CPO.trainer`` as an exported script has it; what it calls stands before it, as it is here."""


class CPO(Pairs, Method):
    """Contrastive preference optimization on pairs of answers, with TRL's ``CPOTrainer``."""

    type: Literal["cpo"] = "cpo"
    beta: float = Field(0.1, gt=0, le=10)
    """Scale of the difference of the two log-probabilities: higher saturates sooner. (β of Xu et al. 2024; τ of
    ``ipo``.)"""
    loss_type: Literal["sigmoid", "hinge", "ipo"] = "sigmoid"
    """Loss: ``sigmoid`` is CPO; ``hinge`` and ``ipo`` (per token) stop at a margin, against overfitting."""
    label_smoothing: float = Field(0.0, ge=0, lt=0.5)
    """Label smoothing of ``sigmoid``: share of pairs taken to be the wrong way round."""
    sft_weight: float = Field(1.0, ge=0, le=100)
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
    reads: ClassVar[tuple[str, ...]] = ("preference",)
    rate_factor: ClassVar[float] = 0.3
    loss_unit: ClassVar[str] = ""
    measures: ClassVar[tuple[Measure, ...]] = (REWARD_ACCURACY, LIKELIHOOD_MARGIN)
    sequences_per_row: ClassVar[int] = 2
    padding: ClassVar[float] = 1.2
    padding_row: ClassVar[dict[str, list[int]]] = {"prompt_ids": [0, 0], "chosen_ids": [], "rejected_ids": []}

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
        """The loss and its weights; rows come tokenized and truncated, and an adapter's dropout stays on."""
        return {
            "beta": self.beta,
            "loss_type": self.loss_type,
            "label_smoothing": self.label_smoothing,
            "cpo_alpha": self.sft_weight,
            "disable_dropout": False,
            "remove_unused_columns": False,
        }

    def script(self, pack: bool = False) -> str:
        return "\n\n".join([*map(inspect.getsource, (PairCollator, without_reference)), SCRIPT.lstrip()])

    def trainer(self, material: Material):
        """A ``CPOTrainer`` over rows that are tokenized already."""
        from trl.experimental.cpo import CPOConfig, CPOTrainer

        arguments = CPOConfig(**material.arguments, **self.options())
        trainer_class = without_reference(material.durable(CPOTrainer))
        return trainer_class(args=arguments, **material.datasets(), **material.others())

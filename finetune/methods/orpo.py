"""Odds ratio preference optimization: good answers are trained, and bad ones made less likely, in one go."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.methods.measure import LIKELIHOOD_MARGIN, LOG_ODDS, REWARD_ACCURACY, Measure
from finetune.methods.method import Method
from finetune.methods.pairs import ReferenceFree


class ORPO(ReferenceFree, Method):
    """Odds ratio preference optimization on pairs of answers, with TRL's ``ORPOTrainer``."""

    type: Literal["orpo"] = "orpo"
    beta: float = Field(0.1, ge=0, le=10)
    """Weight of the odds ratio term beside the cross-entropy on the chosen answers; 0 is SFT on them. (λ of Hong et al.
    2024, eq. 6.)"""

    order: ClassVar[int] = 22
    title: ClassVar[str] = "Odds ratio preference optimization"
    plain: ClassVar[str] = (
        "You show it pairs of answers, and it learns to write the better ones and to leave the worse ones, at once."
    )
    engineer: ClassVar[str] = "Odds ratio preference optimization (ORPO): cross-entropy plus a log odds ratio loss."
    analogy: ClassVar[str] = (
        "Like a cook who learns a dish from a recipe that also says at each step which mistake people usually make."
    )
    avoid: ClassVar[str] = (
        "Where the model answers well already and only its taste is to change: DPO stays closer to what it can do."
    )
    paper: ClassVar[str] = (
        "Hong et al. 2024, ORPO: Monolithic Preference Optimization without Reference Model, arXiv 2403.07691"
    )
    trl: ClassVar[tuple[str, str]] = ("trl.experimental.orpo", "ORPO")
    measures: ClassVar[tuple[Measure, ...]] = (REWARD_ACCURACY, LOG_ODDS, LIKELIHOOD_MARGIN)

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of pairs of answers."""
        return "Pairs of answers: ORPO with LoRA, which learns the task and the preference in one run."

    def options(self, pack: bool = False) -> dict:
        """λ."""
        return {"beta": self.beta, **self.as_prepared}

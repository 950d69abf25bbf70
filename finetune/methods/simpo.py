"""Simple preference optimization: the better answer shall be likelier per token, by a margin."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.methods.measure import LIKELIHOOD_MARGIN, REWARD_ACCURACY, Measure
from finetune.methods.method import Method
from finetune.methods.pairs import ReferenceFree


class SimPO(ReferenceFree, Method):
    """Simple preference optimization on pairs of answers, with TRL's ``CPOTrainer``."""

    type: Literal["simpo"] = "simpo"
    beta: float = Field(2.0, gt=0, le=20)
    """Scale of the difference of the two log-probabilities per token; 2 to 10 is usual. (β of Meng et al. 2024,
    eq. 6.)"""
    gamma: float = Field(1.0, ge=0, le=20)
    """Target margin: how far the better answer shall be ahead, on the scale of β. (γ of eq. 6; half of β is usual.)"""
    sft_weight: float = Field(1.0, ge=0, le=100, title="SFT weight")
    """SFT term: weight of the cross-entropy on chosen answers, which keeps answers from degenerating. 0 is the loss of
    the paper, which needs a learning rate about three times lower."""

    order: ClassVar[int] = 24
    title: ClassVar[str] = "Simple preference optimization"
    plain: ClassVar[str] = (
        "You show it pairs of answers, and it learns to find the better one likelier, however long the two are."
    )
    engineer: ClassVar[str] = "Simple preference optimization (SimPO): a margin loss on log-probabilities per token."
    analogy: ClassVar[str] = (
        "Like a jury that compares two speeches by how good they are per minute, so that a long one has no advantage."
    )
    avoid: ClassVar[str] = (
        "At a high rate or for many epochs: nothing holds it to the base, and answers degenerate. DPO is safer."
    )
    paper: ClassVar[str] = (
        "Meng et al. 2024, SimPO: Simple Preference Optimization with a Reference-Free Reward, arXiv 2405.14734"
    )
    trl: ClassVar[tuple[str, str]] = ("trl.experimental.cpo", "CPO")
    measures: ClassVar[tuple[Measure, ...]] = (REWARD_ACCURACY, LIKELIHOOD_MARGIN)

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of pairs of answers."""
        return "Pairs of answers: SimPO with LoRA, which needs no reference and no more memory than SFT."

    def options(self, pack: bool = False) -> dict:
        """β, γ and the SFT term."""
        return {
            "beta": self.beta,
            "loss_type": "simpo",
            "simpo_gamma": self.gamma,
            "cpo_alpha": self.sft_weight,
            **self.as_prepared,
        }

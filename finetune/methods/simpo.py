"""Simple preference optimization: the better answer shall be likelier per token, by a margin."""

import inspect
from typing import ClassVar, Literal

from pydantic import Field

from finetune.methods.cpo import SCRIPT
from finetune.methods.measure import LIKELIHOOD_MARGIN, REWARD_ACCURACY, Measure
from finetune.methods.method import Material, Method
from finetune.methods.pairs import PairCollator, Pairs, without_reference


class SimPO(Pairs, Method):
    """Simple preference optimization on pairs of answers, with TRL's ``CPOTrainer``."""

    type: Literal["simpo"] = "simpo"
    beta: float = Field(2.0, gt=0, le=20)
    """Scale of the difference of the two log-probabilities per token; 2 to 10 is usual. (β of Meng et al. 2024,
    eq. 6.)"""
    gamma: float = Field(1.0, ge=0, le=20)
    """Target margin: how far the better answer shall be ahead, on the scale of β. (γ of eq. 6; half of β is usual.)"""
    sft_weight: float = Field(1.0, ge=0, le=100)
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
    reads: ClassVar[tuple[str, ...]] = ("preference",)
    rate_factor: ClassVar[float] = 0.3
    loss_unit: ClassVar[str] = ""
    measures: ClassVar[tuple[Measure, ...]] = (REWARD_ACCURACY, LIKELIHOOD_MARGIN)
    sequences_per_row: ClassVar[int] = 2
    padding: ClassVar[float] = 1.2
    padding_row: ClassVar[dict[str, list[int]]] = {"prompt_ids": [0, 0], "chosen_ids": [], "rejected_ids": []}

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of pairs of answers."""
        return "Pairs of answers: SimPO with LoRA, which needs no reference and no more memory than SFT."

    def options(self, pack: bool = False) -> dict:
        """β, γ and the SFT term; rows come tokenized and truncated, and an adapter's dropout stays on."""
        return {
            "beta": self.beta,
            "loss_type": "simpo",
            "simpo_gamma": self.gamma,
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

"""Odds ratio preference optimization: good answers are trained, and bad ones made less likely, in one go."""

import inspect
from typing import ClassVar, Literal

from pydantic import Field

from finetune.methods.measure import LIKELIHOOD_MARGIN, LOG_ODDS, REWARD_ACCURACY, Measure
from finetune.methods.method import Material, Method
from finetune.methods.pairs import PairCollator, Pairs, without_reference

SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """An ``ORPOTrainer`` over rows that are tokenized already: prompt_ids, chosen_ids, rejected_ids."""
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    trainer = without_reference(ordered(ORPOTrainer, PADDING_ROW))
    return trainer(args=ORPOConfig(**divided(arguments)), train_dataset=train, **others)
'''
"""``ORPO.trainer`` as an exported script has it; what it calls stands before it, as it is here."""


class ORPO(Pairs, Method):
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
    reads: ClassVar[tuple[str, ...]] = ("preference",)
    rate_factor: ClassVar[float] = 0.3
    loss_unit: ClassVar[str] = ""
    measures: ClassVar[tuple[Measure, ...]] = (REWARD_ACCURACY, LOG_ODDS, LIKELIHOOD_MARGIN)
    sequences_per_row: ClassVar[int] = 2
    padding: ClassVar[float] = 1.2
    padding_row: ClassVar[dict[str, list[int]]] = {"prompt_ids": [0, 0], "chosen_ids": [], "rejected_ids": []}

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of pairs of answers."""
        return "Pairs of answers: ORPO with LoRA, which learns the task and the preference in one run."

    def options(self, pack: bool = False) -> dict:
        """λ; rows come tokenized and truncated, and an adapter's dropout stays on."""
        return {"beta": self.beta, "disable_dropout": False, "remove_unused_columns": False}

    def script(self, pack: bool = False) -> str:
        return "\n\n".join([*map(inspect.getsource, (PairCollator, without_reference)), SCRIPT.lstrip()])

    def trainer(self, material: Material):
        """An ``ORPOTrainer`` over rows that are tokenized already."""
        from trl.experimental.orpo import ORPOConfig, ORPOTrainer

        arguments = ORPOConfig(**material.arguments, **self.options())
        trainer_class = without_reference(material.durable(ORPOTrainer))
        return trainer_class(args=arguments, **material.datasets(), **material.others())

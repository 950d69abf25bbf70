"""RLOO: reinforcement learning from human feedback, with a reward model in place of the people."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.methods.method import Material, Method
from finetune.methods.rollouts import Rollouts, overrides, prepared
from finetune.private import PrivateName


class RLOO(Rollouts, Method):
    """REINFORCE leave-one-out (Ahmadian et al. 2024), with TRL's ``RLOOTrainer``."""

    type: Literal["rloo"] = "rloo"
    beta: float = Field(0.05, ge=0, le=10)
    """Strength of the pull towards the base model; it keeps the model from tricking the reward. (β of Ahmadian et al.
    2024, eq. 2)"""
    normalize_advantages: bool = True
    """Divide advantages by their spread over the batch: the scale of a reward model's scores means nothing."""

    order: ClassVar[int] = 70
    title: ClassVar[str] = "Reinforcement learning from human feedback"
    plain: ClassVar[str] = "It tries several answers to each question, and a model of people's taste rates them."
    engineer: ClassVar[str] = (
        "RLHF with RLOO (REINFORCE leave-one-out): the other answers are the baseline. TRL has dropped PPO; RLOO needs "
        "no critic and did better in its paper."
    )
    analogy: ClassVar[str] = "Like an apprentice cook whose every dish is tasted by a judge who knows the guests."
    avoid: ClassVar[str] = "Where pairs of answers are all you have: DPO learns from them without a reward model."
    paper: ClassVar[str] = (
        "Ahmadian et al. 2024, Back to Basics: Revisiting REINFORCE-Style Optimization, arXiv 2402.14740"
    )
    rate_factor: ClassVar[float] = 0.3
    has_reference: ClassVar[bool] = True
    overrides: ClassVar[tuple[PrivateName, ...]] = overrides("RLOOTrainer")

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of prompts."""
        return "Prompts and a reward model: RLOO. Train the reward model on pairs of answers first."

    def trainer(self, material: Material):
        """An ``RLOOTrainer`` that samples a group of answers to each prompt of a batch."""
        from trl import RLOOConfig, RLOOTrainer

        arguments = RLOOConfig(**self.sampled(material), beta=self.beta, normalize_advantages=self.normalize_advantages)
        trainer_class = prepared(material.durable(RLOOTrainer), material.end_ids)
        rewards = self.reward_functions(material.helpers)
        return trainer_class(args=arguments, reward_funcs=rewards, **material.datasets(), **material.others())

"""Group relative policy optimization: the model learns from rewards that a program gives to its own answers."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.format import counted
from finetune.methods.method import Material, Method
from finetune.methods.rollouts import Rollouts, overrides, prepared
from finetune.private import PrivateName


class GRPO(Rollouts, Method):
    """Group relative policy optimization with rewards that a program checks (RLVR), with TRL's ``GRPOTrainer``."""

    type: Literal["grpo"] = "grpo"
    beta: float = Field(0.0, ge=0, le=10)
    """Strength of the pull towards the base model. 0: none, and no second pass. (β of Shao et al. 2024, eq. 3)"""
    loss: Literal["dapo", "grpo", "dr_grpo", "bnpo"] = "dapo"
    """How the tokens of long and short answers are weighed: ``dapo`` all alike, ``grpo`` each answer alike, ``dr_grpo``
    without favor for either."""
    scale_rewards: Literal["group", "batch", "none"] = "group"
    """What an advantage is divided by: the spread of its group, of the whole batch, or nothing."""
    epsilon: float = Field(0.2, gt=0, lt=1)
    """Clipping: how much likelier a token may become in one step. (ε of Shao et al. 2024, eq. 3)"""

    order: ClassVar[int] = 60
    title: ClassVar[str] = "Reinforcement learning with checked answers"
    plain: ClassVar[str] = "It tries several answers to each question, a program checks them, and it learns from those."
    engineer: ClassVar[str] = (
        "Group relative policy optimization (GRPO, RLVR): advantages within groups of sampled answers; no critic."
    )
    analogy: ClassVar[str] = "Like a pupil who tries a sum eight times and is told only which results were right."
    avoid: ClassVar[str] = (
        "Where the base never gets it right, or always does: then there is nothing to learn from. Train on worked "
        "answers first (SFT)."
    )
    paper: ClassVar[str] = "Shao et al. 2024, DeepSeekMath, arXiv 2402.03300"
    rate_factor: ClassVar[float] = 0.3
    overrides: ClassVar[tuple[PrivateName, ...]] = overrides("GRPOTrainer")

    @classmethod
    def advice(cls, kind: str, rows: int, labels: int = 0) -> str:
        """What to expect of prompts."""
        return f"{counted(rows, 'prompt')}: GRPO, if a program can check answers and the base gets some right."

    def trainer(self, material: Material):
        """A ``GRPOTrainer`` that samples a group of answers to each prompt of a batch."""
        from trl import GRPOConfig, GRPOTrainer

        arguments = GRPOConfig(
            **self.sampled(material),
            beta=self.beta,
            loss_type=self.loss,
            scale_rewards=self.scale_rewards,
            epsilon=self.epsilon,
        )
        trainer_class = prepared(material.durable(GRPOTrainer), material.end_ids)
        rewards = self.reward_functions(material.helpers)
        return trainer_class(args=arguments, reward_funcs=rewards, **material.datasets(), **material.others())

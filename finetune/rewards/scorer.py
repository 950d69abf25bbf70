"""A reward model of this workspace, which has learned from pairs of answers what people prefer."""

from typing import Any, ClassVar, Literal

from finetune.rewards.reward import Reward, Scores
from finetune.settings import RunId


class RewardModel(Reward):
    """The score of a run of the method ``reward``; higher is better, and only differences count."""

    type: Literal["model"] = "model"
    run: RunId
    """The run that trained the reward model."""

    order: ClassVar[int] = 100
    title: ClassVar[str] = "A reward model"
    plain: ClassVar[str] = "A reward model, trained here on pairs of answers, rates the answer."
    example: ClassVar[str] = "model: {run: '3'}"

    def wants(self) -> dict[str, str]:
        """Its run."""
        return {"run": self.run}

    def scores(self, helpers: dict[str, Any]) -> Scores:
        """``helpers["run"]`` is the ``Scorer`` of that run."""
        return lambda answers: helpers["run"].scores([(list(each.messages), each.text) for each in answers])

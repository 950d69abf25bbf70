"""What the rewards of the recipe give."""

from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric


class Reward(Metric):
    """The weighted sum of the recipe's rewards."""

    name: ClassVar[str] = "reward"
    order: ClassVar[int] = 10
    title: ClassVar[str] = "Reward"
    plain: ClassVar[str] = "What the answers earn from the rewards of the recipe."
    said: ClassVar[str] = "its answers earn {tuned} on average ({base} before)"
    unit: ClassVar[str] = "number"

    def fits(self, asked, run):
        return "the run was trained to raise these rewards" if run.recipe.method.generates else ""

    def value(self, asked, given):
        return given.reward

"""One of a few labels, and nothing else."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.rewards.reward import Answered, Reward
from finetune.settings import Name


class OneOf(Reward):
    """1 if the answer is one of the labels, and the expected one where the row has one; half if it is another label."""

    type: Literal["label"] = "label"
    labels: tuple[Name, ...] = Field(..., min_length=2, max_length=1000)
    """The labels that an answer may be."""

    order: ClassVar[int] = 30
    title: ClassVar[str] = "One of these labels"
    plain: ClassVar[str] = "The answer is exactly one of the labels: the right one earns 1, another label a half."
    example: ClassVar[str] = "label: {labels: [positive, negative]}"

    def score(self, answered: Answered) -> float:
        found = answered.text.strip().casefold()
        if found not in {label.strip().casefold() for label in self.labels}:
            return 0.0
        return 1.0 if answered.expected is None or found == answered.expected.strip().casefold() else 0.5

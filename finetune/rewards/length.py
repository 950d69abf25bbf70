"""The right length."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from finetune.rewards.reward import Answered, Reward


class Length(Reward):
    """1 within the band; outside, the less the further away: half at half the minimum, or at twice the maximum."""

    type: Literal["length"] = "length"
    minimum: int = Field(1, ge=0)
    """Shortest length that earns the full reward."""
    maximum: int = Field(100, ge=1)
    """Longest length that earns the full reward."""
    unit: Literal["words", "characters", "tokens"] = "words"
    """What is counted."""

    order: ClassVar[int] = 60
    title: ClassVar[str] = "Length"
    plain: ClassVar[str] = "The answer is neither shorter nor longer than you want; the further off, the less it earns."
    example: ClassVar[str] = "length: {maximum: 20, weight: 0.5}"

    @model_validator(mode="after")
    def _in_order(self):
        if self.minimum > self.maximum:
            raise ValueError("The minimum is above the maximum")
        return self

    def score(self, answered: Answered) -> float:
        counts = {"characters": len(answered.text), "tokens": answered.tokens}
        count = counts.get(self.unit, len(answered.text.split()))
        if count < self.minimum:
            return count / self.minimum
        return self.maximum / count if count > self.maximum else 1.0

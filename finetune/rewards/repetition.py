"""Answers that do not repeat themselves."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.rewards.reward import Answered, Reward


class NoRepetition(Reward):
    """The share of different n-grams of words among all of them: 1 if none occurs twice."""

    type: Literal["repetition"] = "repetition"
    words: int = Field(4, ge=1, le=20)
    """Length of the n-grams, in words."""

    order: ClassVar[int] = 80
    title: ClassVar[str] = "No repetition"
    plain: ClassVar[str] = "The answer does not say the same thing again and again."
    example: ClassVar[str] = "repetition: {weight: 0.5}"

    def score(self, answered: Answered) -> float:
        words = answered.text.casefold().split()
        grams = [tuple(words[n : n + self.words]) for n in range(len(words) - self.words + 1)]
        return len(set(grams)) / len(grams) if grams else 1.0

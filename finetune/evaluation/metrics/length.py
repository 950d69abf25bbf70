"""Tokens of an answer."""

from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric


class Length(Metric):
    """Tokens of the answer."""

    name: ClassVar[str] = "length"
    order: ClassVar[int] = 170
    title: ClassVar[str] = "Answer length"
    plain: ClassVar[str] = "Tokens of an answer on average; neither more nor fewer is better by itself."
    said: ClassVar[str] = "its answers have {tuned} on average ({base} before)"
    unit: ClassVar[str] = "tokens"
    better: ClassVar[str] = ""

    def fits(self, asked, run):
        return "answers were generated" if all(each.messages for each in asked) else ""

    def value(self, asked, given):
        return float(given.tokens)

"""Answers that do not end."""

from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric


class Truncated(Metric):
    """1 if the answer was truncated at the longest answer, else 0."""

    name: ClassVar[str] = "truncated"
    order: ClassVar[int] = 150
    title: ClassVar[str] = "Truncated"
    plain: ClassVar[str] = "How many answers did not end by themselves."
    said: ClassVar[str] = "{tuned} of its answers do not end by themselves ({base} before)"
    better: ClassVar[str] = "lower"

    def fits(self, asked, run):
        return "answers were generated" if all(each.messages for each in asked) else ""

    def value(self, asked, given):
        return float(given.is_truncated)

"""Answers that go in circles."""

from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric
from finetune.evaluation.metrics.words import words

WORDS, TIMES = 3, 3
"""A phrase of so many words, so many times one after the other."""


class Repetition(Metric):
    """1 if a word or a phrase of up to three words stands in the answer three times in a row, else 0."""

    name: ClassVar[str] = "repetition"
    order: ClassVar[int] = 160
    title: ClassVar[str] = "Repetition"
    plain: ClassVar[str] = "How many answers say the same words again and again (degenerate output)."
    said: ClassVar[str] = "{tuned} of its answers go in circles ({base} before)"
    better: ClassVar[str] = "lower"

    def fits(self, asked, run):
        return "answers were generated" if all(each.messages for each in asked) else ""

    def value(self, asked, given):
        found = words(given.text)
        return float(any(_repeats(found, size) for size in range(1, WORDS + 1)))


def _repeats(found: list[str], size: int) -> bool:
    """True if ``size`` words come ``TIMES`` times in a row."""
    same = [left == right for left, right in zip(found, found[size:])]
    wanted = size * (TIMES - 1)
    run = 0
    for each in same:
        run = run + 1 if each else 0
        if run >= wanted:
            return True
    return False

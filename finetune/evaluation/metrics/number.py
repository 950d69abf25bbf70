"""The number at the end of an answer."""

from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric
from finetune.evaluation.metrics.words import answer_of, mostly
from finetune.rewards.number import MARKED, NUMBER, number_in


class Number(Metric):
    """1 if the number that the answer gives as its result equals the expected one, else 0."""

    name: ClassVar[str] = "number"
    order: ClassVar[int] = 50
    title: ClassVar[str] = "Number equals"
    plain: ClassVar[str] = "How often the number at the end of the answer is the right one."
    said: ClassVar[str] = "{tuned} of its results are right ({base} before)"
    source: ClassVar[str] = "Cobbe et al. 2021 (GSM8K)"

    def fits(self, asked, run):
        return "the expected answers are numbers" if mostly(asked, is_result) else ""

    def value(self, asked, given):
        wanted = number_in(answer_of(asked.expected))
        return None if wanted is None else float(number_in(given.text) == wanted)


def is_result(text: str) -> bool:
    """True if ``text`` is one number, or marks one as its result."""
    is_marked = any(mark.search(text) for mark in MARKED)
    return number_in(text) is not None and (is_marked or not NUMBER.sub("", text).strip(" .$€£%"))

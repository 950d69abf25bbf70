"""The words that decide."""

from typing import ClassVar

from finetune.evaluation.metrics.exact_match import SHORT
from finetune.evaluation.metrics.metric import Metric
from finetune.evaluation.metrics.words import answer_of, typical_words, words


class Contains(Metric):
    """1 if the answer has the words that decide, in their order, else 0; whatever else it says."""

    name: ClassVar[str] = "contains"
    order: ClassVar[int] = 140
    title: ClassVar[str] = "Contains"
    plain: ClassVar[str] = "How often the right words are in the answer, whatever stands around them."
    said: ClassVar[str] = "{tuned} of its answers have the right words ({base} before)"

    def fits(self, asked, run):
        if asked and all(each.key for each in asked):
            return "each question has words that a right answer needs, in whatever voice it is given"
        return "the expected answers are short" if 0 < typical_words(asked) <= SHORT else ""

    def value(self, asked, given):
        wanted = [each for text in asked.key for each in words(text)] or words(answer_of(asked.expected))
        return float(in_order(wanted, words(given.text))) if wanted else None


def in_order(wanted: list[str], found: list[str]) -> bool:
    """True if all of ``wanted`` are in ``found`` in this order, with anything between them."""
    rest = iter(found)
    return all(each in rest for each in wanted)

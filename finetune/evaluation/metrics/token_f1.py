"""Words in common."""

from collections import Counter
from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric
from finetune.evaluation.metrics.words import answer_of, words


class TokenF1(Metric):
    """The harmonic mean of precision and recall of the words, their order left out."""

    name: ClassVar[str] = "token_f1"
    order: ClassVar[int] = 110
    title: ClassVar[str] = "Token F1"
    plain: ClassVar[str] = "How many words the answer has in common with the expected one."
    said: ClassVar[str] = "its answers share {tuned} of their words with the expected ones ({base} before)"
    source: ClassVar[str] = "Rajpurkar et al. 2016 (SQuAD), §6.1; here articles count, since not all texts are English"

    def fits(self, asked, run):
        return "there are expected answers" if any(each.expected for each in asked) else ""

    def value(self, asked, given):
        if not asked.expected:
            return None
        wanted, found = Counter(words(answer_of(asked.expected))), Counter(words(given.text))
        common = (wanted & found).total()
        total = wanted.total() + found.total()
        return 2 * common / total if total else 1.0

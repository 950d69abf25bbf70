"""The whole answer."""

from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric
from finetune.evaluation.metrics.words import answer_of, plain, typical_words

SHORT = 5
"""Words of an answer that has hardly more than one right form."""


class ExactMatch(Metric):
    """1 if the answer is the expected one, else 0; white space, case, and marks around it do not count."""

    name: ClassVar[str] = "exact_match"
    order: ClassVar[int] = 60
    title: ClassVar[str] = "Exact match"
    plain: ClassVar[str] = "How often the answer is, word for word, the expected one."
    said: ClassVar[str] = "{tuned} of its answers are, word for word, the expected ones ({base} before)"
    source: ClassVar[str] = "Rajpurkar et al. 2016 (SQuAD), §6.1"

    def fits(self, asked, run):
        return "the expected answers are short" if 0 < typical_words(asked) <= SHORT else ""

    def value(self, asked, given):
        return float(plain(given.text) == plain(answer_of(asked.expected))) if asked.expected else None

"""Characters in common."""

import functools
from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric
from finetune.evaluation.metrics.words import answer_of, typical_words

LONG = 150
"""Words of an answer that can be right in so many forms that comparing texts says little."""


class ChrF(Metric):
    """The F-score of character n-grams of one answer, 0 to 1."""

    name: ClassVar[str] = "chrf"
    order: ClassVar[int] = 70
    title: ClassVar[str] = "chrF"
    plain: ClassVar[str] = "How near the answers are to the expected ones, in characters."
    said: ClassVar[str] = "its answers are {tuned} like the expected ones ({base} before)"
    source: ClassVar[str] = "Popović 2015, as sacrebleu computes it (sentence level)"

    def fits(self, asked, run):
        return "the expected answers are free text" if 0 < typical_words(asked) <= LONG else ""

    def value(self, asked, given):
        if not asked.expected:
            return None
        return _metric().sentence_score(given.text, [answer_of(asked.expected)]).score / 100


@functools.cache
def _metric():
    from sacrebleu.metrics import CHRF

    return CHRF()

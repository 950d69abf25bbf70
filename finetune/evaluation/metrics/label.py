"""One of a few labels."""

from collections import Counter
from typing import ClassVar

from finetune.evaluation.metrics.metric import Metric
from finetune.evaluation.metrics.words import answer_of, plain, words

MOST_LABELS, MOST_WORDS = 20, 6


class Label(Metric):
    """1 if the answer is the expected label, else 0."""

    name: ClassVar[str] = "label"
    order: ClassVar[int] = 30
    title: ClassVar[str] = "Label accuracy"
    plain: ClassVar[str] = "How often the answer is the right label."
    said: ClassVar[str] = "it gives the right label in {tuned} of the cases ({base} before)"

    def fits(self, asked, run):
        found = labels([each.expected for each in asked])
        return f"the expected answers are {len(found)} labels" if found else ""

    def value(self, asked, given):
        return float(plain(given.text) == plain(answer_of(asked.expected)))


def labels(expected: list[str]) -> list[str]:
    """The labels that ``expected`` answers are, most frequent first, in plain form; empty if they are no labels."""
    counts = Counter(plain(answer_of(each)) for each in expected)
    is_few = 2 <= len(counts) <= min(MOST_LABELS, len(expected) // 3)
    is_short = all(each and len(words(each)) <= MOST_WORDS for each in counts)
    return [each for each, _ in counts.most_common()] if is_few and is_short else []

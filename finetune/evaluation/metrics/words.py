"""Texts as metrics read them."""

import re
from collections.abc import Callable, Iterable, Sequence

from finetune.evaluation.metrics.metric import Asked

WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+(?:['’.,][^\W_]+)*")
"""A word or a number; of scripts that put no spaces between words, each character."""
ENDS = " \t\r\n.!?。！？\"'“”‘’`*"
"""What an answer may have around it and still be the same."""
THOUGHT_ENDS = "</think>"
"""What stands before it is reasoning; the answer is behind it."""
MOST = 0.9
"""A share of the rows that is taken for all of them: real data have odd rows."""


def answer_of(text: str) -> str:
    """``text`` without the thinking before the answer."""
    return text.rpartition(THOUGHT_ENDS)[2].strip()


def plain(text: str) -> str:
    """``text`` as two equal answers have it: white space, case, and marks around it do not count."""
    return " ".join(text.casefold().split()).strip(ENDS)


def words(text: str) -> list[str]:
    """The words of ``text`` in their order, without case."""
    return WORD.findall(text.casefold())


def mostly(asked: Iterable[Asked], holds: Callable[[str], bool]) -> bool:
    """True if ``holds`` is true of nearly all expected answers, and there are some."""
    found = [holds(answer_of(each.expected)) for each in asked if each.expected]
    return bool(found) and sum(found) >= MOST * len(found)


def typical_words(asked: Sequence[Asked]) -> int:
    """The median number of words of the expected answers; 0 if there are none."""
    counts = sorted(len(words(answer_of(each.expected))) for each in asked if each.expected)
    return counts[len(counts) // 2] if counts else 0

"""Scores in words: values by their unit, and what chance could explain."""

import math

from finetune import format
from finetune.evaluation.metrics import METRICS, Metric
from finetune.evaluation.scores import Bounds, Score

PARTS = {"asked": "held-out rows", "general": "general questions", "trained": "training rows"}
"""What the rows of each part of an evaluation are."""
RARE = 0.001


def value(metric: Metric, number: float) -> str:
    """A value of ``metric`` with its unit: ``82 %``, ``1.23 nats``, ``14 tokens``, ``0.61``."""
    if metric.unit == "share":
        return format.percent(number)
    if metric.unit == "tokens":
        return format.counted(round(number), "token")
    return f"{number:.2f} nats" if metric.unit == "nats" else f"{number:.2f}"


def interval(metric: Metric, bounds: Bounds) -> str:
    """The 95 % interval of ``bounds``, its unit said once: ``74–89 %``, ``−6.61 to −6.41 nats``."""
    low, high = value(metric, bounds.low), value(metric, bounds.high)
    number, _, unit = high.replace("-", "−").partition(" ")
    to = " to " if bounds.low < 0 else "–"
    return f"{low.partition(' ')[0].replace('-', '−')}{to}{number} {unit}".strip()


def said(score: Score) -> str:
    """What the score says, as a clause: ``82 % of its results are right (31 % before)``."""
    metric = METRICS[score.metric]
    return metric.said.format(tuned=value(metric, score.tuned.value), base=value(metric, score.base.value))


def by_chance(p: float) -> str:
    """How often chance alone does this, in words: ``less than once in 1,000 times``, ``about once in 40 times``."""
    if p < RARE:
        return "less than once in 1,000 times"
    if p > 0.5:
        return "more often than not"
    times = 1 / p
    digits = 10 ** max(0, math.floor(math.log10(times)) - 1)
    return f"about once in {format.amount(round(times / digits) * digits)} times"

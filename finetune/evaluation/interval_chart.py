"""Base and tuned with their intervals, as a small inline SVG without text that a screen reader would need."""

import math
from html import escape

from finetune.evaluation.metrics import METRICS, Metric
from finetune.evaluation.scores import Bounds, Score
from finetune.evaluation.words import value

WIDTH, LEFT, RIGHT = 520, 62, 104
BAR, GAP, TOP = 18, 12, 8
AXIS = 22
"""The height of the axis with its labels."""


def chart(score: Score) -> str:
    """The values of base and tuned by ``score``, a bar each, with a line for the 95 % interval."""
    metric = METRICS[score.metric]
    low, high = scale(score)
    height = TOP + 2 * BAR + GAP + AXIS
    words = f"{metric.title}: base {value(metric, score.base.value)}, tuned {value(metric, score.tuned.value)}"
    bars = "".join(
        _bar(name, bounds, TOP + n * (BAR + GAP), metric, low, high)
        for n, (name, bounds) in enumerate((("base", score.base), ("tuned", score.tuned)))
    )
    return (
        f"<svg class='chart' viewBox='0 0 {WIDTH} {height}' role='img' aria-label='{escape(words)}'>"
        f"{_axis(height - AXIS, metric, low, high)}{bars}</svg>"
    )


def scale(score: Score) -> tuple[float, float]:
    """Both ends of the axis: 0 to 100 % for a share, else zero and a round number that all intervals fit in."""
    if METRICS[score.metric].unit == "share":
        return 0.0, 1.0
    ends = [each for bounds in (score.base, score.tuned) for each in (bounds.low, bounds.high, bounds.value)]
    return -_round_up(-min(0.0, *ends)), _round_up(max(0.0, *ends)) or (0.0 if min(ends) < 0 else 1.0)


def _round_up(end: float) -> float:
    """The next of 1, 2, 2.5, 4, 5 and 10 times a power of ten; 0 for 0."""
    if end <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(end))
    return next(step * power for step in (1, 2, 2.5, 4, 5, 10) if step * power >= end)


def _x(at: float, low: float, high: float) -> float:
    share = min(1.0, max(0.0, (at - low) / (high - low)))
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _bar(name: str, bounds: Bounds, y: int, metric: Metric, low: float, high: float) -> str:
    zero, end = _x(0.0, low, high), _x(bounds.value, low, high)
    left, right, middle = _x(bounds.low, low, high), _x(bounds.high, low, high), y + BAR / 2
    whisker = (
        f"<path class='whisker' d='M{left:.1f} {middle}H{right:.1f}M{left:.1f} {middle - 5}v10"
        f"M{right:.1f} {middle - 5}v10'/>"
    )
    return (
        f"<text class='name' x='{LEFT - 8}' y='{middle + 4}'>{name.capitalize()}</text>"
        f"<rect class='{name}' x='{min(zero, end):.1f}' y='{y}' width='{max(abs(end - zero), 1):.1f}' height='{BAR}'/>"
        f"{whisker}<text class='value' x='{WIDTH - RIGHT + 8}' y='{middle + 4}'>"
        f"{escape(value(metric, bounds.value))}</text>"
    )


def _axis(y: int, metric: Metric, low: float, high: float) -> str:
    ticks = [low + (high - low) * n / 4 for n in range(5)]
    lines = "".join(f"<path class='grid' d='M{_x(tick, low, high):.1f} {TOP - 4}V{y}'/>" for tick in ticks)
    labels = "".join(
        f"<text class='tick' x='{_x(tick, low, high):.1f}' y='{y + 15}'>{escape(_tick(metric, tick))}</text>"
        for tick in ticks
    )
    return lines + labels


def _tick(metric: Metric, tick: float) -> str:
    return value(metric, tick).removesuffix(" nats").removesuffix(" tokens")

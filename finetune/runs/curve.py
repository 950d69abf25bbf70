"""The learning curve of a run, prepared for the diagnosis: smoothed losses and gradient norms, and the loss spikes.

One pass over the steps. Nothing here judges the curve (``finetune.runs.diagnosis`` does).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from finetune.methods import METHODS
from finetune.runs.view import View

SMALL = 0.01
"""Nats per token; a smaller difference between two losses is negligible."""
PLATEAU_SHARE = 0.02
"""Evaluations whose loss is within this share of the best are as good as the best."""
WINDOW = 32
"""Steps that a spike is measured against. OLMo-core uses 128, for runs a thousand times as long as a fine-tuning."""
SHORT = 8
"""Steps of the running mean."""
LEVEL_SHIFT = 3
"""After this many spikes in a row the loss has shifted to a new level, and no more spikes are counted."""
SPIKE_DEVIATIONS = 6.0
"""Standard deviations above the running mean that make a spike (OLMo-core, ``StabilityMonitorCallback``)."""
SPIKE_SHARE = 0.25
"""A spike is also this share above the running mean, so that a very smooth curve has no invisible spikes."""
MOST_BLOCKS, LEAST_BLOCK = 20, 5
"""A curve is reduced to at most this many segments of at least this many steps, each to its median."""
LARGEST = 1e12
"""A loss beyond this counts as not finite."""


Points = list[tuple[int, float]]
"""Pairs of a step and a value."""


@dataclass(frozen=True)
class Curve:
    """The learning curve of a run as the rules of the diagnosis read it; losses that are not finite are left out."""

    training: Points
    blocks: Points
    """The medians of segments of ``training``, each with its last step."""
    gradients: Points
    """The same of the gradient norms."""
    held_out: Points
    share: Points
    """The method's first measure that is a share and better if higher, at evaluations; empty where it has none."""
    share_name: str
    """What that measure is called."""
    bad: tuple[int, ...]
    """Steps at the end whose loss is not finite."""
    spikes: tuple[int, ...]
    """Steps with a loss spike."""

    @classmethod
    def of(cls, view: View) -> "Curve":
        """The curve of ``view``."""
        pairs = [(step.step, step.loss) for step in view.steps]
        training = _finite(pairs)
        last = training[-1][0] if training else -1
        measures = METHODS[view.method].measures
        share = next((each for each in measures if each.unit == "share" and each.better == "higher"), None)
        return cls(
            training=training,
            blocks=blocks(training),
            gradients=blocks(_finite([(s.step, s.grad_norm) for s in view.steps if s.grad_norm is not None])),
            held_out=_finite([(e.step, e.loss) for e in view.evaluations]),
            share=_finite([(e.step, e.metrics[share.name]) for e in view.evaluations if share.name in e.metrics])
            if share
            else [],
            share_name=share.short if share else "",
            bad=tuple(step for step, _ in pairs if step > last),
            spikes=tuple(pairs[index][0] for index in spikes([loss for _, loss in pairs])),
        )

    @property
    def best(self) -> tuple[int, float]:
        """Step and loss of the first evaluation with the lowest held-out loss; only after an evaluation."""
        return min(self.held_out, key=lambda point: point[1])

    @property
    def best_step(self) -> int | None:
        return self.best[0] if self.held_out else None

    @property
    def plateau_since(self) -> int | None:
        """The step since which all evaluations are as good as the best, if it is at least the last third; else None."""
        best, last = self.best[1], self.held_out[-1][0]
        near = max(PLATEAU_SHARE * abs(best), SMALL)
        worse = [step for step, loss in self.held_out if loss > best + near]
        plateau = [step for step, _ in self.held_out if not worse or step > worse[-1]]
        return plateau[0] if len(plateau) >= 3 and last - plateau[0] >= last / 3 else None


def measured(view: View, name: str) -> Points:
    """The measure ``name`` of a run: at evaluations if there are two or more, else the medians of training segments."""
    held_out = _finite([(each.step, each.metrics[name]) for each in view.evaluations if name in each.metrics])
    if len(held_out) > 1:
        return held_out
    return blocks(_finite([(step.step, step.metrics[name]) for step in view.steps if name in step.metrics]))


def lately(view: View, name: str) -> float | None:
    """The mean of the measure ``name`` over the last third of the steps; None before there are six."""
    values = [step.metrics[name] for step in view.steps if abs(step.metrics.get(name, math.nan)) < LARGEST]
    third = values[len(values) - len(values) // 3 :]
    return sum(third) / len(third) if len(values) >= 6 else None


def spikes(losses: Sequence[float]) -> list[int]:
    """The positions of loss spikes in ``losses``: 6 standard deviations and a quarter above the running mean.

    OLMo-core's definition of a loss spike (``StabilityMonitorCallback``; PaLM, Chowdhery et al. 2022, §5.1, describes
    spikes without defining them), with exponential moving averages, so that one pass is enough. Deviations are relative
    to the mean, and the window of the mean is short: fine-tuning falls steeply at first, and that fall must not count
    as noise. Spikes are left out of the averages until three in a row make a level shift. A loss that is not finite is
    a spike.
    """
    found, mean, variance, count, in_a_row = [], 0.0, 0.0, 0, 0
    for index, loss in enumerate(losses):
        if not abs(loss) < LARGEST:
            found.append(index)
            continue
        gap = (loss - mean) / max(abs(mean), SMALL)
        is_high = gap > max(SPIKE_DEVIATIONS * math.sqrt(variance), SPIKE_SHARE) and loss - mean > SMALL
        if is_high and count >= WINDOW // 2 and in_a_row < LEVEL_SHIFT:
            found.append(index)
            in_a_row += 1
            continue
        count, in_a_row = count + 1, in_a_row if is_high else 0
        if count > 1:
            variance += (min(gap * gap, 1.0) - variance) / min(count - 1, WINDOW)
        mean += (loss - mean) / min(count, SHORT)
    return found


def blocks(points: Points) -> Points:
    """``points`` as at most 20 segments of at least 5, each with its last step and its median value."""
    size = max(LEAST_BLOCK, math.ceil(len(points) / MOST_BLOCKS))
    segments = [points[start : start + size] for start in range(0, len(points), size)]
    if len(segments) > 1 and len(segments[-1]) < LEAST_BLOCK:
        rest = segments.pop()
        segments[-1] = segments[-1] + rest
    return [(segment[-1][0], median(value for _, value in segment)) for segment in segments]


def trend(points: Points) -> tuple[float, bool]:
    """How far the values rise from the first point to the last (negative: fall), and whether that is significant.

    The Theil–Sen slope (the median of the slopes of all pairs) times the length; significance by the Mann–Kendall test
    at 5 % without ties (Mann 1945, Kendall 1975). Meant for as few points as ``blocks`` makes.
    """
    pairs = [(a, b) for n, a in enumerate(points) for b in points[n + 1 :] if b[0] > a[0]]
    if len(points) < 4 or not pairs:
        return 0.0, False
    slope = median((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs)
    score = sum((b[1] > a[1]) - (b[1] < a[1]) for a, b in pairs)
    count = len(points)
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    return slope * (points[-1][0] - points[0][0]), (abs(score) - 1) / deviation > 1.96


def repetition(text: str) -> float:
    """Share of repeated 4-grams of characters in ``text``; 0 for fewer than 32 characters.

    seq-rep-4 of Welleck et al. 2020 (arXiv:1908.04319, eq. 9), over characters in place of tokens.
    """
    grams = [text[n : n + 4] for n in range(len(text) - 3)]
    return 1 - len(set(grams)) / len(grams) if len(text) >= 32 else 0.0


def _finite(points: Sequence[tuple[int, float]]) -> Points:
    return [(step, value) for step, value in points if abs(value) < LARGEST]

"""The numbers of a run, ready to be judged: its curve thinned and without what is no number, and its jumps.

One pass over the steps; nothing here says what is good or bad (``finetune.runs.diagnosis`` does).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from finetune.methods import METHODS
from finetune.runs.view import View

SMALL = 0.01
"""Nats per token; a smaller difference of two losses is none to a reader."""
LEVEL_SHARE = 0.02
"""Checks whose loss is within this share of the best are as good as the best."""
WINDOW = 32
"""Steps that a spike is measured against. OLMo-core takes 128, for runs a thousand times as long as a fine-tuning."""
SHORT = 8
"""Steps of the running mean itself."""
NEW_LEVEL = 3
"""So many spikes in a row are a new level of the loss."""
SPIKE_DEVIATIONS = 6.0
"""Standard deviations above the running mean that make a spike (OLMo-core, ``StabilityMonitorCallback``)."""
SPIKE_SHARE = 0.25
"""A spike is also this share above the running mean, so that a very even curve has no spikes that nobody would see."""
MOST_BLOCKS, LEAST_BLOCK = 20, 5
"""A curve is read as at most so many stretches of at least so many steps, each stood for by its median."""
LARGEST = 1e12
"""A loss beyond this counts as no number."""


Points = list[tuple[int, float]]
"""Pairs of a step and a value."""


@dataclass(frozen=True)
class Curve:
    """The numbers of a run that the rules look at; losses that are no numbers are left out."""

    training: Points
    blocks: Points
    """The medians of stretches of ``training``, each with its last step."""
    gradients: Points
    """The same of the gradient norms."""
    held_out: Points
    share: Points
    """The method's first measure that is a share, at evaluations; empty where it has none."""
    share_name: str
    """What that measure is called."""
    bad: tuple[int, ...]
    """Steps at the end whose loss is no number."""
    spikes: tuple[int, ...]
    """Steps whose loss jumped."""

    @classmethod
    def of(cls, view: View) -> "Curve":
        """The curve of ``view``."""
        pairs = [(step.step, step.loss) for step in view.steps]
        training = _finite(pairs)
        last = training[-1][0] if training else -1
        share = next((measure for measure in METHODS[view.method].measures if measure.unit == "share"), None)
        return cls(
            training=training,
            blocks=blocks(training),
            gradients=blocks(_finite([(s.step, s.grad_norm) for s in view.steps if s.grad_norm is not None])),
            held_out=_finite([(check.step, check.loss) for check in view.evaluations]),
            share=_finite([(e.step, e.metrics[share.name]) for e in view.evaluations if share.name in e.metrics])
            if share
            else [],
            share_name=share.short if share else "",
            bad=tuple(step for step, _ in pairs if step > last),
            spikes=tuple(pairs[index][0] for index in spikes([loss for _, loss in pairs])),
        )

    @property
    def best(self) -> tuple[int, float]:
        """The first check with the lowest held-out loss; only where there is one."""
        return min(self.held_out, key=lambda point: point[1])

    @property
    def best_step(self) -> int | None:
        return self.best[0] if self.held_out else None

    @property
    def plateau_since(self) -> int | None:
        """The step from which on all checks are as good as the best, if that is a third of the way; else None."""
        best, last = self.best[1], self.held_out[-1][0]
        near = max(LEVEL_SHARE * abs(best), SMALL)
        worse = [step for step, loss in self.held_out if loss > best + near]
        level = [step for step, _ in self.held_out if not worse or step > worse[-1]]
        return level[0] if len(level) >= 3 and last - level[0] >= last / 3 else None


def spikes(losses: Sequence[float]) -> list[int]:
    """The positions in ``losses`` that jump above what came before: by 6 standard deviations and by a quarter.

    OLMo-core's definition of a loss spike (``StabilityMonitorCallback``; PaLM, Chowdhery et al. 2022, §5.1, describes
    them without one), with means that forget exponentially, so that it takes one pass. Deviations are shares of the
    mean, whose own is short: fine-tuning falls steeply at first, and that fall must not pass for noise. A jump is left
    out of the means, unless it stays: after three in a row it is a new level. What is no number is a jump of its own.
    """
    found, mean, variance, known, spikes = [], 0.0, 0.0, 0, 0
    for index, loss in enumerate(losses):
        if not abs(loss) < LARGEST:
            found.append(index)
            continue
        gap = (loss - mean) / max(abs(mean), SMALL)
        is_high = gap > max(SPIKE_DEVIATIONS * math.sqrt(variance), SPIKE_SHARE) and loss - mean > SMALL
        if is_high and known >= WINDOW // 2 and spikes < NEW_LEVEL:
            found.append(index)
            spikes += 1
            continue
        known, spikes = known + 1, spikes if is_high else 0
        if known > 1:
            variance += (min(gap * gap, 1.0) - variance) / min(known - 1, WINDOW)
        mean += (loss - mean) / min(known, SHORT)
    return found


def blocks(points: Points) -> Points:
    """``points`` as at most 20 stretches of at least 5, each its last step and its median value."""
    size = max(LEAST_BLOCK, math.ceil(len(points) / MOST_BLOCKS))
    stretches = [points[start : start + size] for start in range(0, len(points), size)]
    if len(stretches) > 1 and len(stretches[-1]) < LEAST_BLOCK:
        rest = stretches.pop()
        stretches[-1] = stretches[-1] + rest
    return [(stretch[-1][0], median(value for _, value in stretch)) for stretch in stretches]


def trend(points: Points) -> tuple[float, bool]:
    """How far the values rise from the first point to the last (negative: fall), and whether that is no accident.

    Theil and Sen's slope, the median of the slopes of all pairs, times the length; significance by Mann and Kendall's
    test at 5 % without ties (Mann 1945, Kendall 1975). For as many points as ``blocks`` makes.
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
    """Share of the four-letter pieces of ``text`` that were there before; 0 for fewer than 32 letters.

    seq-rep-4 of Welleck et al. 2020 (arXiv:1908.04319, eq. 9), of letters in place of tokens.
    """
    pieces = [text[n : n + 4] for n in range(len(text) - 3)]
    return 1 - len(set(pieces)) / len(pieces) if len(text) >= 32 else 0.0


def _finite(points: Sequence[tuple[int, float]]) -> Points:
    return [(step, value) for step, value in points if abs(value) < LARGEST]

"""Charts as small inline SVGs that follow the page's colours, with the same in words underneath.

Each line is a series of (step, value); steps run along the bottom. Nothing is loaded and nothing animates.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from finetune.format import percent
from finetune.methods import METHODS, Measure, measure_of
from finetune.runs.curve import LARGEST
from finetune.runs.diagnosis import Diagnosis, diagnose, steps_words
from finetune.runs.view import View
from finetune.ui.views import notice, small

WIDTH, HEIGHT = 460, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 10, 12, 34
DIGIT = 9
"""The width of a digit where a phone shows the labels larger, at 15 px."""
MOST_POINTS = 240
"""More points than this cannot be told apart at this width."""

BESIDE = 2
"""Measures whose charts are shown beside the loss; further ones are in a fold."""

Points = list[tuple[float, float]]
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One series of a chart."""

    label: str
    points: Points
    style: str
    """``train``, ``raw`` (pale, not in the legend) or ``held-out`` (with a dot at each point)."""


def main_charts(view: View) -> str:
    """The chart that shows whether the model learns, with the diagnosis, and those of the first measures beside it.

    That is the loss, or what the method is judged by where its loss says nothing. Empty before the first step.
    """
    names, found = metric_names(view), diagnose(view)
    if METHODS[view.method].loss_shows_learning or not names:
        first, others = loss_chart(view, found), names[:BESIDE]
    else:
        first, others = metric_chart(view, names[0], found), names[1:BESIDE]
    return (first and first + warned(found)) + "".join(metric_chart(view, name) for name in others)


def loss_chart(view: View, found: Diagnosis | None = None) -> str:
    """Training and held-out loss over the steps so far, over the diagnosis if there is one; empty before any."""
    raw = finite([(step.step, step.loss) for step in view.steps])
    held_out = finite([(evaluation.step, evaluation.loss) for evaluation in view.evaluations])
    lines = [
        Line("", thinned(raw), "raw"),
        Line("training", thinned(smoothed(raw)), "train"),
        Line("held-out", held_out, "held-out"),
    ]
    shows = METHODS[view.method].loss_shows_learning
    title = "Loss: the error that training reduces" if shows else "Loss: with this method it says little about learning"
    return figure(title, lines, view.total_steps, *_spoken_and_below(found))


def _spoken_and_below(found: Diagnosis | None) -> tuple[str, str]:
    """What a diagnosis says to a screen reader and under a chart."""
    return (f"{found.title}. {found.words}", diagnosed(found)) if found else ("", "")


def diagnosed(found: Diagnosis) -> str:
    """A diagnosis as it stands under a chart: its title, what is seen, and what to do."""
    advice = f"<p class='small'>{escape(found.advice)}</p>" if found.advice else ""
    words = f"<p><strong>{escape(found.title)}.</strong> {escape(found.words)}</p>"
    return f"<div class='diagnosis {found.code}'>{words}{advice}</div>"


def warned(found: Diagnosis) -> str:
    """A warning of loss spikes; empty without any."""
    if not found.spikes:
        return ""
    advice = "If this happens often, try a lower learning rate, or look on the Data tab for rows unlike the others."
    return notice(f"Loss spike at step {steps_words(found.spikes)}.", advice, kind="warning")


def value_words(measure: Measure, value: float) -> str:
    """A value of ``measure``: ``94 %``, ``1.5``."""
    return percent(value) if measure.unit == "share" else figures(value)


def metric_chart(view: View, name: str, found: Diagnosis | None = None) -> str:
    """A measure in training and on held-out rows, with how to read it, or over the diagnosis if there is one."""
    raw = finite([(step.step, step.metrics[name]) for step in view.steps if name in step.metrics])
    held_out = finite([(each.step, each.metrics[name]) for each in view.evaluations if name in each.metrics])
    measure = measure_of(name)
    lines = [
        Line("training", thinned(smoothed(raw)), "train"),
        Line("held-out", held_out, "held-out"),
    ]
    text = measure.sentence.format(last=value_words(measure, held_out[-1][1])) if held_out else ""
    spoken, below = _spoken_and_below(found)
    return figure(measure.title, lines, view.total_steps, spoken or text, below or small(text), measure)


def metric_names(view: View) -> list[str]:
    """The measures of a run: what the method is judged by first, then in its order, then all others."""
    method = METHODS[view.method]
    newest = [*view.steps[-1:], *view.evaluations[-1:]]
    found = list(dict.fromkeys(name for event in newest for name in event.metrics))
    order = [method.best_by, *(measure.name for measure in method.measures)]
    return sorted(found, key=lambda name: order.index(name) if name in order else len(order))


def smoothed(points: Points, weight: float = 0.8) -> Points:
    """``points`` with an exponential moving mean in place of each value, unbiased from the first on."""
    mean, total, result = 0.0, 0.0, []
    for step, value in points:
        mean = weight * mean + (1 - weight) * value
        total = weight * total + (1 - weight)
        result.append((step, mean / total))
    return result


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """At most ``most`` points: the means of equal stretches, the last point kept as it is."""
    if len(points) <= most:
        return points
    size = math.ceil(len(points) / (most - 1))
    groups = [points[i : i + size] for i in range(0, len(points) - 1, size)]
    means = [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
    return [*means[: most - 1], points[-1]]


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round values from ``low`` to ``high``, about as many as asked for."""
    span = high - low or abs(high) or 1.0
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def figure(
    title: str,
    lines: list[Line],
    total_steps: int,
    spoken: str = "",
    below: str = "",
    measure: Measure | None = None,
) -> str:
    """The chart of ``lines`` with its caption; ``spoken`` is for a screen reader. Empty without points."""
    drawn = [line for line in lines if line.points]
    if not drawn:
        return ""
    is_share = measure is not None and measure.unit == "share"
    legend = "".join(f"<span class='key {line.style}'>{escape(line.label)}</span>" for line in drawn if line.label)
    last = max([total_steps, *(line.points[-1][0] for line in drawn)]) or 1
    frame = Frame(*((0.0, 1.0) if is_share else _bounds(drawn)), last)
    curves = "".join(_curve(frame, line) for line in drawn)
    svg = frame.svg(f"{title}. {spoken}", curves, percent if is_share else figures)
    caption = f"<figcaption><strong>{escape(title)}</strong><span class='legend'>{legend}</span></figcaption>"
    return f"<figure class='chart'>{caption}{svg}{below}</figure>"


@dataclass(frozen=True)
class Frame:
    """Where values are drawn in a chart, and the chart around its curves."""

    low: float
    high: float
    last: float
    """The last step on the axis."""
    right: int = RIGHT
    """Room on the right, for what is written beside the curves."""

    def x(self, step: float) -> float:
        return LEFT + step / self.last * (WIDTH - LEFT - self.right)

    def y(self, value: float, beyond: float = 0.0) -> float:
        """The height of ``value``, kept inside the frame, or ``beyond`` times its height above it."""
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - min(max(share, 0.0), 1.0 + beyond) * (HEIGHT - TOP - BOTTOM)

    def polyline(self, points: Points, style: str, beyond: float = 0.0) -> str:
        """The curve through ``points`` in the class ``style``; see ``y`` for ``beyond``."""
        path = " ".join(f"{self.x(step):.1f},{self.y(value, beyond):.1f}" for step, value in points)
        return f"<polyline class='{style}' points='{path}'/>"

    def svg(self, spoken: str, curves: str, words: Callable[[float], str] | None = None) -> str:
        """The chart with ``curves`` in it; ``spoken`` is what a screen reader says, ``words`` write a value."""
        end, words = WIDTH - self.right, words or figures
        parts = [f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{escape(spoken)}'>"]
        for value in ticks(self.low, self.high):
            y = self.y(value)
            parts.append(f"<line class='grid' x1='{LEFT}' x2='{end}' y1='{y:.1f}' y2='{y:.1f}'/>")
            parts.append(f"<text x='{LEFT - 6}' y='{y + 4:.1f}' text-anchor='end'>{words(value)}</text>")
        for step in (step for step in ticks(0, self.last) if step == int(step)):
            parts.append(_step_label(self.x(step), f"{step:,.0f}"))
        parts.append(f"<text class='axis' x='{end}' y='{HEIGHT - 3}' text-anchor='end'>step</text>")
        floor = self.y(self.low)
        parts.append(f"<line class='base' x1='{LEFT}' x2='{end}' y1='{floor:.1f}' y2='{floor:.1f}'/>")
        return "".join(parts) + curves + "</svg>"


def _step_label(x: float, words: str) -> str:
    """A step under its place on the axis; one that would run over the chart's edge ends there."""
    x, anchor = (WIDTH, "end") if x + DIGIT * len(words) / 2 > WIDTH else (x, "middle")
    return f"<text x='{x:.1f}' y='{HEIGHT - BOTTOM + 16}' text-anchor='{anchor}'>{words}</text>"


def _curve(frame: Frame, line: Line) -> str:
    dots = line.points if line.style == "held-out" or len(line.points) == 1 else []
    circles = [f"<circle class='{line.style}' cx='{frame.x(s):.1f}' cy='{frame.y(v):.1f}' r='3.5'/>" for s, v in dots]
    return frame.polyline(line.points, line.style) + "".join(circles)


def _bounds(lines: list[Line]) -> Bounds:
    values = [value for line in lines for _, value in line.points]
    low, high = min(0.0, *values), max(values)
    if high - low < 1e-9 * max(1.0, abs(low)):
        high = low + max(1.0, abs(low))
    return low, high + (high - low) * 0.04


def finite(points: Points) -> Points:
    """``points`` without values that are not finite or too large to draw."""
    return [(step, value) for step, value in points if abs(value) < LARGEST]


def figures(value: float) -> str:
    """A value with the figures a reader can use."""
    if value == 0:
        return "0"
    return (
        f"{value:.0f}"
        if abs(value) >= 100
        else f"{value:.2g}"
        if abs(value) < 0.01
        else f"{value:.2f}".rstrip("0").rstrip(".")
    )

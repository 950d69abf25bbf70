"""Charts as small inline SVGs that follow the page's colours, with the same in words underneath.

Each line is a series of (step, value); steps run along the bottom. Nothing is loaded and nothing animates.
"""

import math
from dataclasses import dataclass
from html import escape

from finetune.ui.views import percent
from finetune.view import View

WIDTH, HEIGHT = 460, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 12, 34
MOST_POINTS = 240
"""More points than this cannot be told apart at this width."""

LARGEST = 1e12
"""A loss beyond this, or one that is no number, says only that the run has diverged; it would flatten all others."""

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One series of a chart."""

    label: str
    points: Points
    style: str
    """``train``, ``raw`` (pale, not in the legend) or ``held-out`` (with a dot at each point)."""


def loss_chart(view: View) -> str:
    """Training and held-out loss over the steps so far; empty before the first step."""
    raw = _finite([(step.step, step.loss) for step in view.steps])
    held_out = _finite([(evaluation.step, evaluation.loss) for evaluation in view.evaluations])
    if not raw and not held_out:
        return ""
    lines = [
        Line("", thinned(raw), "raw"),
        Line("while learning", thinned(smoothed(raw)), "train"),
        Line("on held-out rows", held_out, "held-out"),
    ]
    return _figure("Loss: how far its answers are from yours", "loss", lines, view.total_steps, loss_sentence(view))


def metric_charts(view: View) -> str:
    """For methods that report more than a loss: a chart for each measure, in the order they first appeared."""
    return "".join(_metric_chart(view, name) for name in _metric_names(view))


def loss_sentence(view: View) -> str:
    """What the loss says, for someone who reads no curve."""
    held_out = _finite([(evaluation.step, evaluation.loss) for evaluation in view.evaluations])
    if len(held_out) < 2:
        return "Lower is better. Held-out rows are ones it never learns from."
    (_, first), (_, last) = held_out[0], held_out[-1]
    best_step, best = min(held_out, key=lambda point: point[1])
    if last > best * 1.05 and best_step != held_out[-1][0]:
        return (
            f"On rows it has never seen it was best at step {best_step:.0f} and has got worse since: "
            "it may be learning by heart."
        )
    verb = "fell" if last < first else "rose"
    return f"Lower is better. On rows it has never seen the loss {verb} from {_figures(first)} to {_figures(last)}."


METRICS = {
    "accuracy": (
        "How often it prefers the better answer",
        "On pairs it has never seen it prefers the better answer {last} of the time; a coin would get 50 %.",
    ),
    "margin": (
        "How clearly it prefers the better answer",
        "Above zero, the better answer has gained on the worse one since training began.",
    ),
}


def _metric_chart(view: View, name: str) -> str:
    raw = _finite([(step.step, step.metrics[name]) for step in view.steps if name in step.metrics])
    held_out = _finite([(check.step, check.metrics[name]) for check in view.evaluations if name in check.metrics])
    title, sentence = METRICS.get(name, (name.replace("_", " ").capitalize(), ""))
    last = (held_out or raw)[-1][1] if held_out or raw else 0.0
    lines = [
        Line("while learning", thinned(smoothed(raw)), "train"),
        Line("on held-out rows", held_out, "held-out"),
    ]
    text = sentence.format(last=percent(last)) if held_out else ""
    return _figure(title, name, lines, view.total_steps, text, bounds=(0.0, 1.0) if name == "accuracy" else None)


def _metric_names(view: View) -> list[str]:
    said = [*view.steps[-1:], *view.evaluations[-1:]]
    return list(dict.fromkeys(name for event in said for name in event.metrics))


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


def _figure(
    title: str, name: str, lines: list[Line], total_steps: int, sentence: str, bounds: tuple[float, float] | None = None
) -> str:
    drawn = [line for line in lines if line.points]
    if not drawn:
        return ""
    legend = "".join(f"<span class='key {line.style}'>{escape(line.label)}</span>" for line in drawn if line.label)
    text = f"<p class='small'>{escape(sentence)}</p>" if sentence else ""
    svg = _svg(f"{title}. {sentence}", name, drawn, total_steps, bounds or _bounds(drawn))
    caption = f"<figcaption><strong>{escape(title)}</strong><span class='legend'>{legend}</span></figcaption>"
    return f"<figure class='chart'>{caption}{svg}{text}</figure>"


def _svg(spoken: str, name: str, lines: list[Line], total_steps: int, bounds: tuple[float, float]) -> str:
    low, high = bounds
    last = max([total_steps, *(line.points[-1][0] for line in lines)]) or 1

    def x(step: float) -> float:
        return LEFT + step / last * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{escape(spoken)}'>"]
    for value in ticks(low, high):
        label = percent(value) if name == "accuracy" else _figures(value)
        parts.append(f"<line class='grid' x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y(value):.1f}' y2='{y(value):.1f}'/>")
        parts.append(f"<text x='{LEFT - 6}' y='{y(value) + 4:.1f}' text-anchor='end'>{label}</text>")
    for step in (step for step in ticks(0, last) if step == int(step)):
        parts.append(f"<text x='{x(step):.1f}' y='{HEIGHT - BOTTOM + 16}' text-anchor='middle'>{step:,.0f}</text>")
    parts.append(f"<text class='axis' x='{WIDTH - RIGHT}' y='{HEIGHT - 3}' text-anchor='end'>step</text>")
    parts.append(f"<line class='base' x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y(low):.1f}' y2='{y(low):.1f}'/>")
    for line in lines:
        path = " ".join(f"{x(step):.1f},{y(min(max(value, low), high)):.1f}" for step, value in line.points)
        parts.append(f"<polyline class='{line.style}' points='{path}'/>")
        if line.style == "held-out" or len(line.points) == 1:
            parts.extend(
                f"<circle class='{line.style}' cx='{x(s):.1f}' cy='{y(v):.1f}' r='3.5'/>" for s, v in line.points
            )
    return "".join(parts) + "</svg>"


def _bounds(lines: list[Line]) -> tuple[float, float]:
    values = [value for line in lines for _, value in line.points]
    low, high = min(0.0, *values), max(values)
    if high - low < 1e-9 * max(1.0, abs(low)):
        high = low + max(1.0, abs(low))
    return low, high + (high - low) * 0.04


def _finite(points: Points) -> Points:
    return [(step, value) for step, value in points if abs(value) < LARGEST]


def _figures(value: float) -> str:
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

"""Several runs in one chart, by their loss or what else they are judged by; told apart by dashes and numbers."""

from dataclasses import dataclass
from html import escape
from statistics import median

from finetune.methods import Measure
from finetune.runs.view import View
from finetune.ui.train.chart import HEIGHT, LEFT, TOP, WIDTH, Frame, Points, finite, smoothed, thinned

MOST = 8
"""More lines than this cannot be told apart."""
TRAINING_POINTS = 120
LABEL_ROOM = 26
LABEL_HEIGHT = 13
LOWEST_LABEL = HEIGHT - 20
BEYOND = 99.0
"""A line that leaves the frame at the top is drawn so far in its direction, and clipped."""


@dataclass(frozen=True)
class RunLine:
    """One run's losses, or the values of a measure."""

    label: str
    """The run in a few words."""
    number: str
    """The number at the end of its line."""
    training: Points
    held_out: Points
    total_steps: int = 0

    @classmethod
    def of(cls, label: str, number: str, view: View, measure: Measure | None = None) -> "RunLine":
        """The losses of a run, or its values of ``measure``, thinned to what can be seen."""

        def points(found) -> Points:
            if measure is None:
                return finite([(each.step, each.loss) for each in found])
            return finite([(each.step, each.metrics[measure.name]) for each in found if measure.name in each.metrics])

        training, held_out = points(view.steps), points(view.evaluations)
        return cls(label, number, thinned(smoothed(training), TRAINING_POINTS), held_out, view.total_steps)

    @property
    def main(self) -> Points:
        """The line that stands for the run: held-out if there is one."""
        return self.held_out or self.training


def figure(lines: list[RunLine], measure: Measure | None = None) -> str:
    """The chart of ``lines`` with its legend, of losses or of ``measure``; empty while none of them has a point."""
    if not any(line.main for line in lines):
        return ""
    name, better = (measure.short, measure.better) if measure else ("loss", "lower")
    frame = _frame(lines, better)
    drawn = "".join(_drawn(frame, n, line) for n, line in enumerate(lines))
    room = f"x='{LEFT}' y='{TOP - 4}' width='{WIDTH - LEFT - LABEL_ROOM + 4}' height='{HEIGHT - TOP}'"
    area = f"<defs><clipPath id='overlay-area'><rect {room}/></clipPath></defs>"
    inside = f"{area}<g clip-path='url(#overlay-area)'>{drawn}</g>{_labels(frame, lines)}"
    ends = "; ".join(f"{line.label} ends at {line.main[-1][1]:.3g}" for line in lines if line.main)
    svg = frame.svg(f"Held-out {name} of {len(lines)} runs. {ends}.", inside)
    keys = "".join(f"<span>{swatch(n)} {escape(line.label)}</span>" for n, line in enumerate(lines))
    note = f"{better.capitalize()} is better. Pale: in training. "
    if any(value > frame.high for line in lines for _, value in line.main):
        note += "Clipped at the top, so that the ends can be told apart."
    title = f"<figcaption><strong>Held-out {escape(name)} of each run</strong></figcaption>"
    return f"<figure class='chart overlay'>{title}{svg}<p class='legend'>{keys}</p><p class='small'>{note}</p></figure>"


def swatch(n: int) -> str:
    """The line style of the ``n``-th run, as it is in the chart."""
    return (
        f"<svg class='swatch run-{n % MOST}' viewBox='0 0 34 10' aria-hidden='true'>"
        "<line class='held-out' x1='1' x2='33' y1='5' y2='5'/></svg>"
    )


def _frame(lines: list[RunLine], better: str = "lower") -> Frame:
    """From zero to where half of every run's evaluations are in view: a loss begins far above its end.

    What is better if it is higher ends at the top, and all of it is in view.
    """
    typical = median if better == "lower" else max
    high = max(typical([value for _, value in line.main]) for line in lines if line.main)
    low = min(0.0, *(value for line in lines for _, value in line.main))
    last = max(max(line.total_steps, line.main[-1][0]) for line in lines if line.main) or 1
    return Frame(low, low + max((high - low) * 1.2, 1e-6), last, LABEL_ROOM)


def _drawn(frame: Frame, n: int, line: RunLine) -> str:
    if not line.main:
        return ""
    pale = frame.polyline(line.training, "raw", BEYOND) if line.held_out and line.training else ""
    main = frame.polyline(line.main, "held-out", BEYOND)
    dots = "".join(
        f"<circle class='held-out' cx='{frame.x(s):.1f}' cy='{frame.y(v):.1f}' r='2.5'/>"
        for s, v in line.held_out
        if v <= frame.high
    )
    return f"<g class='run-{n}'>{pale}{main}{dots}</g>"


def _labels(frame: Frame, lines: list[RunLine]) -> str:
    """The runs' numbers at the ends of their lines, moved apart where they would overlap: down, then up again."""
    ends = sorted((frame.y(line.main[-1][1]), n) for n, line in enumerate(lines) if line.main)
    placed, above, below = [], TOP - LABEL_HEIGHT, LOWEST_LABEL + LABEL_HEIGHT
    for y, n in ends:
        above = max(y, above + LABEL_HEIGHT)
        placed.append((above, n))
    drawn = []
    for y, n in reversed(placed):
        below = min(y, below - LABEL_HEIGHT)
        x = frame.x(lines[n].main[-1][0]) + 6
        drawn.append(f"<text class='run-{n} end' x='{x:.1f}' y='{below + 4:.1f}'>{escape(lines[n].number)}</text>")
    return "".join(reversed(drawn))

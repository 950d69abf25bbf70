"""The loss of several runs in one chart: told apart by dashes and numbers at the lines, and by colours besides."""

from dataclasses import dataclass
from html import escape
from statistics import median

from finetune.runs.view import View
from finetune.ui.train.chart import HEIGHT, LEFT, TOP, WIDTH, Frame, Points, finite, smoothed, thinned

MOST = 8
"""More lines than this cannot be told apart."""
TRAINING_POINTS = 120
LABEL_ROOM = 26
LABEL_HEIGHT = 13
BEYOND = 99.0
"""A line that leaves the frame at the top goes on so far in its direction, and is cut off."""


@dataclass(frozen=True)
class Curve:
    """One run's losses."""

    label: str
    """The run in a few words."""
    number: str
    """What stands at the end of its line."""
    training: Points
    held_out: Points
    total_steps: int = 0

    @classmethod
    def of(cls, label: str, number: str, view: View) -> "Curve":
        """The curve of a run, thinned to what can be seen."""
        training = finite([(step.step, step.loss) for step in view.steps])
        held_out = finite([(check.step, check.loss) for check in view.evaluations])
        return cls(label, number, thinned(smoothed(training), TRAINING_POINTS), held_out, view.total_steps)

    @property
    def main(self) -> Points:
        """The line that stands for the run: held-out if there is one."""
        return self.held_out or self.training


def overlay(curves: list[Curve]) -> str:
    """The chart of ``curves`` with its legend; empty while none of them has a point."""
    if not any(curve.main for curve in curves):
        return ""
    frame = _frame(curves)
    drawn = "".join(_drawn(frame, n, curve) for n, curve in enumerate(curves))
    room = f"x='{LEFT}' y='{TOP - 4}' width='{WIDTH - LEFT - LABEL_ROOM + 4}' height='{HEIGHT - TOP}'"
    area = f"<defs><clipPath id='overlay-area'><rect {room}/></clipPath></defs>"
    inside = f"{area}<g clip-path='url(#overlay-area)'>{drawn}</g>{_labels(frame, curves)}"
    ends = "; ".join(f"{curve.label} ends at {curve.main[-1][1]:.3g}" for curve in curves if curve.main)
    svg = frame.svg(f"Loss of {len(curves)} runs on rows they never learnt from. {ends}.", inside)
    keys = "".join(f"<span>{swatch(n)} {escape(curve.label)}</span>" for n, curve in enumerate(curves))
    caption = "<strong>Loss on rows they never learnt from</strong>"
    note = "Lower is better. Pale: the loss on their own rows. "
    if any(value > frame.high for curve in curves for _, value in curve.main):
        note += "Cut off at the top, so that the ends can be told apart."
    return (
        f"<figure class='chart overlay'><figcaption>{caption}</figcaption>{svg}"
        f"<p class='legend'>{keys}</p><p class='small'>{note}</p></figure>"
    )


def swatch(n: int) -> str:
    """The line style of the ``n``-th run, as it is in the chart."""
    return (
        f"<svg class='swatch run-{n % MOST}' viewBox='0 0 34 10' aria-hidden='true'>"
        "<line class='held-out' x1='1' x2='33' y1='5' y2='5'/></svg>"
    )


def _frame(curves: list[Curve]) -> Frame:
    """From zero to where half of every run's checks are in view: the start of a curve is far above its end."""
    middles = [median(value for _, value in curve.main) for curve in curves if curve.main]
    low = min(0.0, *(value for curve in curves for _, value in curve.main))
    high = max(middles)
    last = max(max(curve.total_steps, curve.main[-1][0]) for curve in curves if curve.main) or 1
    return Frame(low, low + max((high - low) * 1.2, 1e-6), last, LABEL_ROOM)


def _drawn(frame: Frame, n: int, curve: Curve) -> str:
    if not curve.main:
        return ""
    pale = frame.polyline(curve.training, "raw", BEYOND) if curve.held_out and curve.training else ""
    line = frame.polyline(curve.main, "held-out", BEYOND)
    dots = "".join(
        f"<circle class='held-out' cx='{frame.x(s):.1f}' cy='{frame.y(v):.1f}' r='2.5'/>"
        for s, v in curve.held_out
        if v <= frame.high
    )
    return f"<g class='run-{n}'>{pale}{line}{dots}</g>"


def _labels(frame: Frame, curves: list[Curve]) -> str:
    """The runs' numbers at the ends of their lines, moved apart where they would overlap."""
    ends = sorted((frame.y(curve.main[-1][1]), n) for n, curve in enumerate(curves) if curve.main)
    placed, above = [], TOP - LABEL_HEIGHT
    for y, n in ends:
        above = max(y, above + LABEL_HEIGHT)
        placed.append((above, n))
    excess = max(0.0, placed[-1][0] - (HEIGHT - 20))
    return "".join(
        f"<text class='run-{n} end' x='{frame.x(curves[n].main[-1][0]) + 6:.1f}' y='{y - excess + 4:.1f}'>"
        f"{escape(curves[n].number)}</text>"
        for y, n in placed
    )

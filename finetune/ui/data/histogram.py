"""A histogram as small bars, with the same in words for whoever cannot see them."""

from html import escape

from finetune import format
from finetune.ui import views

WIDTH, HEIGHT, BASE = 460, 120, 96
GAP = 2

Bins = list[tuple[int, int, int]]
"""(lowest, highest, how many), in order; both ends belong to the bin."""


def figure(bins: Bins, caption: str, unit: str, limit: int | None = None) -> str:
    """``bins`` as a figure; bars above ``limit`` are drawn as truncated. Empty without rows."""
    most = max((count for *_, count in bins), default=0)
    if not most:
        return ""
    words = _words(bins, unit)
    if len(bins) == 1:
        return f"<h4>{escape(caption)}</h4>{views.small(words)}"
    step = WIDTH / len(bins)
    bars = "".join(_bar(n * step, step, each, most, limit) for n, each in enumerate(bins))
    low, high = bins[0][0], bins[-1][1]
    return (
        f"<figure class='histogram'><figcaption>{escape(caption)}</figcaption>"
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{escape(words)}'>{bars}"
        f"<line class='base' x1='0' x2='{WIDTH}' y1='{BASE}' y2='{BASE}'/>"
        f"<text x='0' y='{BASE + 16}'>{format.amount(low)}</text>"
        f"<text x='{WIDTH}' y='{BASE + 16}' text-anchor='end'>{format.amount(high)} {escape(unit)}</text></svg>"
        f"{views.small(words)}</figure>"
    )


def _bar(x: float, step: float, each: tuple[int, int, int], most: int, limit: int | None) -> str:
    low, high, count = each
    height = max(2.0, count / most * (BASE - 6)) if count else 0
    kind = " class='truncated'" if limit and low > limit else ""
    return (
        f"<rect{kind} x='{x:.1f}' y='{BASE - height:.1f}' width='{max(step - GAP, 1):.1f}' height='{height:.1f}'>"
        f"<title>{format.amount(low)} to {format.amount(high)}: {format.counted(count, 'row')}</title></rect>"
    )


def _words(bins: Bins, unit: str) -> str:
    """The range and the median, as a sentence."""
    total = sum(count for *_, count in bins)
    middle, seen = bins[-1], 0
    for each in bins:
        seen += each[2]
        if 2 * seen >= total:
            middle = each
            break
    filled = [each for each in bins if each[2]]
    if filled[0][0] == filled[-1][1]:
        return f"Every row has {format.amount(filled[0][0])} {unit}."
    return (
        f"From {format.amount(filled[0][0])} to {format.amount(filled[-1][1])} {unit}; "
        f"half of the rows have at most {format.amount(middle[1])}."
    )

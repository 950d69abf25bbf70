"""Histograms of lengths in round bins, and their percentiles."""

from collections import Counter

BINS = 20
"""Approximate number of bins."""

Bins = list[tuple[int, int, int]]
"""For each bin: its lowest and highest value, both inclusive, and the number of rows in it."""


def bins_of(values: Counter[int], scale: float = 1.0) -> Bins:
    """About ``BINS`` bins of one round width over ``values`` (value -> count); counts are multiplied by ``scale``.

    The last bin holds all values from the 98th percentile on, or a few long rows would press all others into one bin.
    """
    if not values:
        return []
    least, most, usual = min(values), max(values), percentile(values, 98)
    width = _round_width(usual - least + 1)
    start = least // width * width
    last = (usual - start) // width
    counts: Counter[int] = Counter()
    for value, times in values.items():
        counts[min((value - start) // width, last)] += times
    bins = [(start + n * width, start + (n + 1) * width - 1, round(counts[n] * scale)) for n in range(last + 1)]
    low, high, count = bins[-1]
    return [*bins[:-1], (low, max(high, most), count)]


def _round_width(span: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50 … that covers ``span`` in ``BINS`` steps."""
    width = 1
    while True:
        for factor in (1, 2, 5):
            if width * factor * BINS >= span:
                return width * factor
        width *= 10


def percentile(values: Counter[int], percent: int) -> int:
    """The smallest value that ``percent`` of ``values`` (value -> count) do not exceed; 0 if there are none."""
    wanted, seen = -(-values.total() * percent // 100), 0
    for value in sorted(values):
        seen += values[value]
        if seen >= wanted:
            return value
    return 0

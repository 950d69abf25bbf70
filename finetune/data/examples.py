"""The examples of a table, made from its rows on access, so that a million of them need little memory."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

from finetune.data.formats import Plain
from finetune.data.store import Lines, Rows
from finetune.data.texts import ColumnTexts

NTH_BITS = 24
"""A place is the position of a row in the bits above these, and the index among the row's examples in these."""
DENSE = 8
"""If at least one row in this many is used, reading all rows is faster than fetching each by itself."""


class Examples(Sequence):
    """A sequence of examples; ``make`` gives those of a row."""

    def __init__(
        self,
        rows: Rows,
        make: Callable[[dict], list[dict]],
        places: array | None = None,
        plain: Plain | None = None,
    ):
        self._rows, self._make = rows, make
        self.plain = plain if isinstance(rows, Lines) else None
        """The example of a row of prose; None if the rows are not lines of a file."""
        self._places = array("Q") if places is None else places

    def point(self, position: int, count: int) -> None:
        """Add the ``count`` examples that the row at ``position`` gives."""
        first = position << NTH_BITS
        self._places.extend(range(first, first + count))

    def point_each(self, start: int, stop: int) -> None:
        """Add the only example of each row from position ``start`` up to ``stop``."""
        import numpy as np

        self._places.frombytes((np.arange(start, stop, dtype=np.uint64) << np.uint64(NTH_BITS)).tobytes())

    def picked(self, positions: Iterable[int]) -> "Examples":
        """Those at ``positions``, which ascend."""
        places = self._places
        return Examples(self._rows, self._make, array("Q", (places[position] for position in positions)), self.plain)

    def within(self, start: int, size: int) -> int:
        """The end of the examples from ``start`` on whose rows take about ``size`` bytes of their file."""
        row = self._places[start] >> NTH_BITS
        return bisect_left(self._places, self._rows.within(row, size) << NTH_BITS, start + 1)

    def texts(self, column: str) -> ColumnTexts:
        """What is known of the texts in ``column`` of all rows of the file."""
        return self._rows.texts(column)

    def positions(self):
        """The position of the row that each is from, as a NumPy array of int64."""
        import numpy as np

        return (np.frombuffer(self._places, np.uint64) >> np.uint64(NTH_BITS)).astype(np.int64)

    def _at(self, place: int) -> dict:
        position, nth = divmod(place, 1 << NTH_BITS)
        return self._make(self._rows[position])[nth]

    def _walk(self) -> Iterator[dict]:
        """All examples, reading the rows once."""
        first, last = self._places[0] >> NTH_BITS, self._places[-1] >> NTH_BITS
        rows = enumerate(self._rows.walk(first, last + 1), first)
        at, made = -1, []
        for place in self._places:
            position, nth = place >> NTH_BITS, place & ((1 << NTH_BITS) - 1)
            while at < position:
                at, values = next(rows)
                made = []
            made = made or self._make(values)
            yield made[nth]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, at: int | slice):
        found = self._places[at]
        return [self._at(place) for place in found] if isinstance(at, slice) else self._at(found)

    def __iter__(self) -> Iterator[dict]:
        span = (self._places[-1] - self._places[0]) >> NTH_BITS if self._places else 0
        return self._walk() if self._places and span < DENSE * len(self._places) else map(self._at, self._places)

    def __repr__(self) -> str:
        return f"<{len(self):,} examples>"


def picked(examples: Sequence[dict], positions: Sequence[int]) -> Sequence[dict]:
    """The examples at ``positions``, which ascend; those made on access still are."""
    if isinstance(examples, Examples):
        return examples.picked(positions)
    return [examples[position] for position in positions]

"""The examples of a table, made from its rows when they are asked for, so that a million of them need little memory."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

from finetune.data.formats import Plain
from finetune.data.store import Lines, Rows
from finetune.data.texts import Texts

NTH_BITS = 24
"""A place is the position of a row above these bits, and below it which of the row's examples is meant."""
DENSE = 8
"""From one example in so many rows on, walking through the rows is quicker than fetching each by itself."""


class Examples(Sequence):
    """Examples that look like a list of them; ``make`` gives those of a row."""

    def __init__(
        self,
        rows: Rows,
        make: Callable[[dict], list[dict]],
        places: array | None = None,
        plain: Plain | None = None,
    ):
        self._rows, self._make = rows, make
        self.plain = plain if isinstance(rows, Lines) else None
        """What they are where a row is nothing but prose; None if the rows do not stand in lines of a file."""
        self._places = array("Q") if places is None else places

    def point(self, position: int, count: int) -> None:
        """More examples: all ``count`` that the row at ``position`` gives."""
        first = position << NTH_BITS
        self._places.extend(range(first, first + count))

    def point_each(self, start: int, stop: int) -> None:
        """More examples: the only one that each row from position ``start`` up to ``stop`` gives."""
        import numpy as np

        self._places.frombytes((np.arange(start, stop, dtype=np.uint64) << np.uint64(NTH_BITS)).tobytes())

    def picked(self, positions: Iterable[int]) -> "Examples":
        """Those at ``positions``, which rise."""
        places = self._places
        return Examples(self._rows, self._make, array("Q", (places[position] for position in positions)), self.plain)

    def within(self, start: int, size: int) -> int:
        """Up to which example those from ``start`` on are from rows that take about ``size`` bytes of their file."""
        row = self._places[start] >> NTH_BITS
        return bisect_left(self._places, self._rows.within(row, size) << NTH_BITS, start + 1)

    def texts(self, column: str) -> Texts:
        """What is known of what stands in ``column`` of each row of the file."""
        return self._rows.texts(column)

    def positions(self):
        """The position in the file of the row that each is from, as a NumPy array of int64."""
        import numpy as np

        return (np.frombuffer(self._places, np.uint64) >> np.uint64(NTH_BITS)).astype(np.int64)

    def _at(self, place: int) -> dict:
        position, nth = divmod(place, 1 << NTH_BITS)
        return self._make(self._rows[position])[nth]

    def _walk(self) -> Iterator[dict]:
        """All examples, walking through the rows once."""
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
    """The examples at ``positions``, which rise; they stay unmade where they were."""
    if isinstance(examples, Examples):
        return examples.picked(positions)
    return [examples[position] for position in positions]

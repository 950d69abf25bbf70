"""Storage of a table's rows: in memory while they are few, else in a file, with a few bytes of memory per row.

Rows are only appended, never changed; a changed table is another selection of the same rows (``Picked``).
"""

import os
import pickle
import tempfile
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from finetune.data.texts import PROSE, ColumnTexts
from finetune.errors import DataError

MEMORY_BYTES = 32 * 2**20
"""Content up to here stays in memory, where Python needs about three times as much."""
ROW_BYTES = 200
"""Overhead of a row in memory, added to its content: a million short rows are large too."""
BLOCK_BYTES = 2**20
"""Bytes read and written at once when rows are iterated: larger blocks are no faster."""
STORE_BITS = 40
"""A place in ``Picked`` is the index of a store in the bits above these, and a position in it in these."""


class Numbers(Sequence):
    """Row or line numbers in four bytes each; 0 stands for None."""

    def __init__(self, numbers: Iterable[int | None] = ()):
        self._array = numbers if isinstance(numbers, array) else array("I", (number or 0 for number in numbers))

    def append(self, number: int | None) -> None:
        self._array.append(number or 0)

    def extend(self, numbers: Iterable[int]) -> None:
        self._array.extend(numbers)

    def count_up(self, first: int, count: int) -> None:
        """Append ``count`` consecutive numbers from ``first`` on."""
        import numpy as np

        self._array.frombytes(np.arange(first, first + count, dtype=np.uint32).tobytes())

    def stretch(self, start: int, stop: int) -> array:
        """Those from position ``start`` up to ``stop``."""
        return self._array[start:stop]

    def picked(self, positions: Iterable[int]) -> "Numbers":
        """Those at ``positions``."""
        kept = self._array
        return Numbers(array("I", (kept[position] for position in positions)))

    def shifted(self, by: int) -> "Numbers":
        """Each larger by ``by``."""
        return Numbers(array("I", (number + by for number in self._array)))

    def __add__(self, other: "Numbers") -> "Numbers":
        return Numbers(self._array + other._array)

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, at: int | slice):
        if isinstance(at, slice):
            return [number or None for number in self._array[at]]
        return self._array[at] or None

    def __iter__(self) -> Iterator[int | None]:
        return (number or None for number in self._array)

    def __eq__(self, other: object) -> bool:
        return _same(self, other)

    __hash__ = None

    def __repr__(self) -> str:
        return repr(list(self))


class Rows(Sequence):
    """A sequence of rows, each a dict; beyond ``MEMORY_BYTES`` they move to a temporary file."""

    def __init__(self, rows: Iterable[dict] = ()):
        self._memory: list[dict] = []
        self._held = 0
        self._spool: _Spool | None = None
        for values in rows:
            self.append(values)

    def append(self, values: dict, size: int | None = None) -> None:
        """Append a row; ``size`` is its length in characters or bytes, if it is known."""
        if self._spool:
            self._spool.append(pickle.dumps(values, pickle.HIGHEST_PROTOCOL))
            return
        self._memory.append(values)
        self._held += ROW_BYTES + (len(pickle.dumps(values, pickle.HIGHEST_PROTOCOL)) if size is None else size)
        if self._held > MEMORY_BYTES:
            self._spill()

    def walk(self, start: int, stop: int) -> Iterator[dict]:
        """The rows from position ``start`` up to ``stop``, in order."""
        if not self._spool:
            return iter(self._memory[start:stop])
        return map(pickle.loads, self._spool.walk(start, stop))

    def _one(self, position: int) -> dict:
        return pickle.loads(self._spool[position]) if self._spool else self._memory[position]

    def _spill(self) -> None:
        self._spool = _Spool()
        for values in self._memory:
            self._spool.append(pickle.dumps(values, pickle.HIGHEST_PROTOCOL))
        self._memory = []

    def __len__(self) -> int:
        return len(self._spool) if self._spool else len(self._memory)

    def __getitem__(self, at: int | slice):
        if not isinstance(at, slice):
            return self._one(_inside(at, len(self)))
        start, stop, step = at.indices(len(self))
        if step == 1:
            return list(self.walk(start, stop))
        return [self._one(position) for position in range(start, stop, step)]

    def __iter__(self) -> Iterator[dict]:
        return self.walk(0, len(self))

    def __eq__(self, other: object) -> bool:
        return _same(self, other)

    __hash__ = None

    def __repr__(self) -> str:
        more = ", …" if len(self) > 3 else ""
        return f"[{', '.join(map(repr, self[:3]))}{more}]"


class Lines(Rows):
    """Rows that are lines of a file: only the offset, length and parser of each are stored."""

    def __init__(self, path: Path, parse: Callable[[bytes], dict], parse_odd: Callable[[bytes], dict]):
        super().__init__()
        self._file, self._parse, self._parse_odd = path.open("rb", buffering=0), parse, parse_odd
        self._name, self._state = path.name, _state(self._file)
        self._starts, self._lengths, self._odd = array("Q"), array("I"), bytearray()
        self._texts: dict[str, ColumnTexts] = {}

    def point(self, start: int, lengths: Sequence[int], odd: bool = False, texts: dict[str, ColumnTexts] | None = None):
        """Append rows that are consecutive from byte ``start`` and have these ``lengths`` in bytes.

        ``texts`` is what is known already of their text columns, by name.
        """
        import numpy as np

        for name, known in (texts or {}).items():
            self._texts.setdefault(name, ColumnTexts()).put(len(self), known)
        ends = np.cumsum(lengths, dtype=np.uint64) + np.uint64(start)
        self._starts.append(start)
        self._starts.frombytes(ends[:-1].tobytes())
        self._lengths.extend(lengths)
        self._odd.extend(bytes([odd]) * len(lengths))

    def texts(self, column: str) -> ColumnTexts:
        """What is known of the texts in ``column``, for each row."""
        return self._texts.get(column, ColumnTexts()).padded(len(self))

    def hold_prose(self, columns: Iterable[str]):
        """For each row, True if all of these ``columns`` surely hold prose, as a NumPy array."""
        import numpy as np

        return np.logical_and.reduce([self.texts(column).have(PROSE) for column in columns])

    def within(self, start: int, size: int) -> int:
        """The end of the rows from ``start`` on that lie within ``size`` bytes; at least ``start + 1``."""
        return max(start + 1, bisect_right(self._starts, self._starts[start] + size))

    def append(self, values: dict, size: int | None = None) -> None:
        raise TypeError("lines of a file are added with point()")

    def walk(self, start: int, stop: int) -> Iterator[dict]:
        records = _records(self._read, self._starts, self._lengths, start, stop)
        if not any(self._odd[start:stop]):
            return map(self._parse, records)
        odd = self._odd[start:stop]
        return (self._parse_odd(record) if one_is else self._parse(record) for record, one_is in zip(records, odd))

    def _one(self, position: int) -> dict:
        parse = self._parse_odd if self._odd[position] else self._parse
        return parse(self._read(self._lengths[position], self._starts[position]))

    def _read(self, size: int, start: int) -> bytes:
        """``size`` bytes from ``start`` on; ``DataError`` if the file was changed since it was read."""
        content = os.pread(self._file.fileno(), size, start)
        if _state(self._file) != self._state:
            raise DataError(f"{self._name} was changed after it was read.", "Read it again.")
        return content

    def __len__(self) -> int:
        return len(self._starts)


class Picked(Rows):
    """Rows selected from other stores, in any order; only their places are copied."""

    def __init__(self, stores: list[Rows], places: array):
        super().__init__()
        self._stores, self._places = stores, places

    @classmethod
    def of(cls, rows: Rows) -> "Picked":
        """All of ``rows``."""
        return rows if isinstance(rows, cls) else cls([rows], array("Q", range(len(rows))))

    def picked(self, positions: Iterable[int]) -> "Picked":
        """Those at ``positions``."""
        places = self._places
        return Picked(self._stores, array("Q", (places[position] for position in positions)))

    def replaced(self, positions: Sequence[int], rows: Rows) -> "Picked":
        """With ``rows`` instead of those at ``positions``."""
        places, store = array("Q", self._places), len(self._stores) << STORE_BITS
        for number, position in enumerate(positions):
            places[position] = store | number
        return Picked([*self._stores, rows], places)

    def joined(self, rows: Rows) -> "Picked":
        """Followed by ``rows``."""
        more, shift = Picked.of(rows), len(self._stores) << STORE_BITS
        return Picked(self._stores + more._stores, self._places + array("Q", (place + shift for place in more._places)))

    def append(self, values: dict, size: int | None = None) -> None:
        raise TypeError("selected rows cannot be appended to")

    def walk(self, start: int, stop: int) -> Iterator[dict]:
        places = self._places
        while start < stop:
            end = start + 1
            while end < stop and places[end] == places[end - 1] + 1:
                end += 1
            store, first = divmod(places[start], 1 << STORE_BITS)
            yield from self._stores[store].walk(first, first + end - start)
            start = end

    def _one(self, position: int) -> dict:
        store, inside = divmod(self._places[position], 1 << STORE_BITS)
        return self._stores[store]._one(inside)

    def __len__(self) -> int:
        return len(self._places)


class _Spool:
    """Records of bytes in an unnamed temporary file, which is deleted with this object."""

    def __init__(self):
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (it lives as long as this object)
        self._starts, self._lengths, self._end = array("Q"), array("I"), 0
        self._waiting, self._writing = bytearray(), threading.Lock()

    def append(self, record: bytes) -> None:
        self._starts.append(self._end)
        self._lengths.append(len(record))
        self._end += len(record)
        self._waiting += record
        if len(self._waiting) > BLOCK_BYTES:
            self._flush()

    def walk(self, start: int, stop: int) -> Iterator[bytes]:
        self._flush()
        return _records(self._read, self._starts, self._lengths, start, stop)

    def _read(self, size: int, start: int) -> bytes:
        return os.pread(self._file.fileno(), size, start)

    def _flush(self) -> None:
        with self._writing:  # several threads may be the first to read
            while self._waiting:
                del self._waiting[: self._file.write(self._waiting)]

    def __getitem__(self, position: int) -> bytes:
        self._flush()
        return self._read(self._lengths[position], self._starts[position])

    def __len__(self) -> int:
        return len(self._starts)


def _records(
    read: Callable[[int, int], bytes], starts: array, lengths: array, first: int, stop: int
) -> Iterator[bytes]:
    """The records from ``first`` up to ``stop``, consecutive in the file and read in large blocks."""
    block, base, end = b"", 0, 0
    for start, length in zip(starts[first:stop], lengths[first:stop]):
        if start + length > end:
            block, base = read(max(BLOCK_BYTES, length), start), start
            end = base + len(block)
        yield block[start - base : start - base + length]


def _state(file) -> tuple[int, int]:
    state = os.fstat(file.fileno())
    return state.st_size, state.st_mtime_ns


def _inside(position: int, length: int) -> int:
    if not -length <= position < length:
        raise IndexError("there is no such row")
    return position % length


def _same(one: Sequence, other: object) -> bool:
    if not isinstance(other, Sequence) or isinstance(other, str):
        return NotImplemented
    return len(one) == len(other) and all(a == b for a, b in zip(one, other))

"""A table: the rows of a file as they were written, each with its number in the file.

Nothing is converted and nothing is dropped silently: a row that cannot be read is recorded as ``Rejected`` with its
reason, and a file that would take too much memory or time is refused.
"""

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from finetune.data.store import Numbers, Picked, Rows
from finetune.errors import DataError

MAX_BYTES = 2 * 2**30
"""Bytes of a file once unpacked; large tables are stored on disk, which needs no more space than this."""
MAX_ROWS = 1_000_000
"""More rows than this are a corpus, not a table for fine-tuning."""
MAX_COLUMNS = 1000
"""A survey has hundreds; thousands of columns mean that the file was misread."""
MAX_ROW_CHARACTERS = 1_000_000
"""About 250,000 tokens, twice the longest row that can be trained on; a longer one is usually an unclosed quote."""
MAX_SECONDS = 120
"""Time limit for reading; a million short rows take a few seconds on an idle machine."""
MAX_REJECTED = 100_000
"""With more bad rows than this, the file was misread, and a list of them no longer helps."""
PULSE_ROWS, PULSE_BYTES = 1000, 4 * 2**20
"""Time and progress are checked after this many rows or bytes."""
WHOLE_TEXT = "The whole text is one row."
"""What a reader notes that reads a text as one row."""
PULSE_S = 0.1
"""Seconds between reports of progress."""


@dataclass(frozen=True)
class Reading:
    """Options for reading a file that its bytes do not decide."""

    encoding: str = "auto"
    """Of a text; ``auto`` is UTF-8, or what the byte-order mark says."""
    whole_text: bool = False
    """Plain text is one row, not one row per paragraph."""
    sheet: str | None = None
    """The sheet of a workbook, or the file in an archive; None is the first that is a table."""
    prefilter: str = ""
    """An expression (RE2) that is matched in the texts of a large file while it is read."""
    progress: Callable[[float], None] | None = None
    """Receives the share of the file that is read, now and then."""


@dataclass(frozen=True)
class Rejected:
    """A row that is left out, and the reason."""

    row: int
    """1-based number of the row in the data, the header not counted."""
    reason: str
    line: int | None = None
    """1-based line of the file (or row of the sheet) where it starts, if it has lines."""
    file: str = ""
    """The file it is from, if there are several."""
    fix: str = ""
    """The type of the fix that solves it, if there is one."""

    @property
    def where(self) -> str:
        """``row 17 (line 18)``."""
        return place(self.row, self.line, self.file)


@dataclass
class Table:
    """The rows of a file, or of several. Readers fill it; afterwards it is immutable by convention."""

    title: str
    """The kind of file: ``CSV``."""
    columns: tuple[str, ...] = ()
    rows: Rows = field(default_factory=Rows)
    """Column -> value as written; a row may lack columns."""
    numbers: Numbers = field(default_factory=Numbers)
    """The number of each row in ``rows``."""
    lines: Numbers = field(default_factory=Numbers)
    """The line of the file where each row in ``rows`` starts, or None."""
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """How the file was read, as sentences."""
    sheets: tuple[str, ...] = ()
    """The sheets of the workbook, or the files in the archive, if it is one."""
    files: list[tuple[str, int]] = field(default_factory=list)
    """The name of each file and the number of its first row, if there are several."""
    started: float = field(default_factory=time.monotonic, repr=False)
    size: int = 0
    """Characters or bytes read so far."""
    reading: Reading = field(default_factory=Reading, repr=False)
    share: Callable[[], float] | None = field(default=None, repr=False)
    """Returns the share of the file that is read."""

    @property
    def total_rows(self) -> int:
        """Rows read, rejected ones included."""
        return len(self.numbers) + len(self.rejected)

    def file_of(self, number: int) -> str:
        """The name of the file that row ``number`` is from, if there are several; else empty."""
        at = bisect_right([first for _, first in self.files], number) - 1
        return self.files[at][0] if at >= 0 else ""

    def add(self, values: dict, line: int | None = None, size: int | None = None) -> None:
        """Add the next row; ``size`` is its length in characters, if the reader knows it."""
        size = sum(len(value) for value in values.values() if isinstance(value, str)) if size is None else size
        if self.takes(values, line, size):
            self.rows.append(values, size)

    def take_all(self, rows: Sequence[dict], count: int, line: int, size: int) -> None:
        """Count the next rows, none too long, one per line from ``line`` on; the caller adds them to ``rows``.

        ``rows`` are those of the ``count`` that may have new columns.
        """
        names = set().union(*rows)
        if not names <= self._known:
            found = dict.fromkeys(name for values in rows for name in values if name not in self._known)
            self.name_columns((*self.columns, *found))
        self.numbers.count_up(self._count + 1, count)
        self.lines.count_up(line, count)
        self._count += count
        self._spend(size)

    def takes(self, values: dict, line: int | None, size: int) -> bool:
        """True if the next row is not too long; it is then counted, and the caller adds its values to ``rows``."""
        if size > MAX_ROW_CHARACTERS:
            self.reject(f"It is longer than {MAX_ROW_CHARACTERS:,} characters.", line, size)
            return False
        if not values.keys() <= self._known:
            self.name_columns((*self.columns, *(name for name in values if name not in self._known)))
        self._count += 1
        self.numbers.append(self._count)
        self.lines.append(line)
        self._spend(size)
        return True

    def reject(self, reason: str, line: int | None = None, size: int = 0) -> None:
        """Reject the next row; ``DataError`` after too many of them."""
        self._count += 1
        self.rejected.append(Rejected(self._count, reason, line))
        self._spend(size)
        if len(self.rejected) > MAX_REJECTED:
            first = self.rejected[0]
            raise DataError(
                f"More than {MAX_REJECTED:,} rows cannot be read. {first.where.capitalize()}: {first.reason}"
            )

    def name_columns(self, names: tuple[str, ...]) -> None:
        """Set the columns; ``DataError`` for duplicate names, or for too many."""
        if len(names) > MAX_COLUMNS:
            raise DataError(f"There are more than {MAX_COLUMNS:,} columns.", "Keep only the columns to train on.")
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            listed = ", ".join(f'"{name}"' for name in twice)
            raise DataError(f"More than one column is named {listed}.", "Give each column a name of its own.")
        self.columns, self._known = tuple(names), frozenset(names)

    def keep(self, wanted: Callable[[int], bool], reason: str) -> "Table":
        """This table without the rows whose number is not ``wanted``; they are rejected for ``reason``."""
        kept, left_out = [], []
        for position, number in enumerate(self.numbers):
            if wanted(number):
                kept.append(position)
            else:
                left_out.append(Rejected(number, reason, self.lines[position], self.file_of(number)))
        if not left_out:
            return self
        return replace(
            self,
            rows=Picked.of(self.rows).picked(kept),
            numbers=self.numbers.picked(kept),
            lines=self.lines.picked(kept),
            rejected=sorted(self.rejected + left_out, key=lambda row: row.row),
        )

    def replaced(self, changes: Callable[[int, dict], dict | None], only: Collection[int] | None = None) -> "Table":
        """This table with the values that ``changes(number, values)`` returns; None leaves a row unchanged.

        ``only`` are the numbers of the rows to change, if they are few.
        """
        positions, rows, columns = [], Rows(), dict.fromkeys(self.columns)
        for position, number, values in self._among(only):
            changed = changes(number, values)
            if changed is not None and changed != values:
                positions.append(position)
                rows.append(changed)
                columns.update(dict.fromkeys(changed))
        if not positions:
            return self
        table = replace(self, rows=Picked.of(self.rows).replaced(positions, rows))
        table.name_columns(tuple(columns))
        return table

    def added(self, values: dict) -> "Table":
        """This table with one more row at the end, which has the next number and no line in the file."""
        table = replace(
            self,
            rows=Picked.of(self.rows).joined(Rows([values])),
            numbers=self.numbers + Numbers([self.total_rows + 1]),
            lines=self.lines + Numbers([None]),
        )
        table.name_columns(tuple(dict.fromkeys((*self.columns, *values))))
        return table

    def __post_init__(self):
        self._known: frozenset[str] = frozenset(self.columns)
        self.rows = self.rows if isinstance(self.rows, Rows) else Rows(self.rows)
        self.numbers = self.numbers if isinstance(self.numbers, Numbers) else Numbers(self.numbers)
        self.lines = self.lines if isinstance(self.lines, Numbers) else Numbers(self.lines)
        self._count = self.total_rows
        self._pulsed, self._next_pulse, self._reported_at = self.size, self._count + PULSE_ROWS, 0.0

    def _among(self, only: Collection[int] | None):
        """The position, number and values of each row, or of those with a number in ``only``."""
        if only is None:
            return zip(range(len(self.numbers)), self.numbers, self.rows)
        wanted = set(only)
        found = (position for position, number in enumerate(self.numbers) if number in wanted)
        return ((position, self.numbers[position], self.rows[position]) for position in found)

    def _spend(self, size: int) -> None:
        self.size += size
        if self._count > MAX_ROWS:
            raise too_many()
        if self.size > MAX_BYTES:
            raise DataError(f"The rows are larger than {MAX_BYTES // 2**20:,} MB.", "Take fewer rows.")
        if self._count >= self._next_pulse or self.size > self._pulsed + PULSE_BYTES:
            self.pulse()

    def pulse(self) -> None:
        """Report progress; ``DataError`` if reading takes too long."""
        now = time.monotonic()
        self._pulsed, self._next_pulse = self.size, self._count + PULSE_ROWS
        if now - self.started > MAX_SECONDS:
            raise DataError(f"Reading takes more than {MAX_SECONDS} seconds.", "Take fewer rows.")
        if self.reading.progress and self.share and now - self._reported_at >= PULSE_S:
            self._reported_at = now
            self.reading.progress(min(1.0, self.share()))


def too_many() -> DataError:
    """The error for more rows than can be read."""
    return DataError(f"There are more than {MAX_ROWS:,} rows.", "Take fewer rows.")


def none_can(total: int) -> str:
    """The beginning of a sentence that no row can be used."""
    return "The only row cannot" if total == 1 else f"None of the {total:,} rows can"


def place(row: int, line: int | None, file: str = "") -> str:
    """Where a row is, in words."""
    details = [part for part in (file and f"of {file}", line and f"line {line:,}") if part]
    return f"row {row:,} ({', '.join(details)})" if details else f"row {row:,}"

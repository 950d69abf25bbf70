"""A table: the rows of a file as they were written, each with the number people will look for.

Nothing is converted and nothing is dropped unseen: a row that cannot be read is kept as ``Rejected`` with its reason,
and a file that would take too much memory or time is refused.
"""

import time
from dataclasses import dataclass, field

from finetune.errors import DataError

MAX_BYTES = 512 * 2**20
"""Bytes of a file once unpacked: its rows are held in memory, at about three times their size."""
MAX_ROWS = 1_000_000
"""More than this is a corpus, not a table that someone looks through."""
MAX_COLUMNS = 64
"""The widest published training sets have about 30; thousands of columns mean that the file is not what it seems."""
MAX_ROW_CHARACTERS = 1_000_000
"""About 250,000 tokens, twice the longest row that can be trained on; a longer one is usually a quote left open."""
MAX_SECONDS = 120
"""A person waits no longer; a million short rows take about half a minute on an idle machine."""


@dataclass(frozen=True)
class Rejected:
    """A row that is left out, and why."""

    row: int
    """1-based number of the row in the data, the header not counted."""
    reason: str
    line: int | None = None
    """1-based line of the file (or row of the sheet) where it starts, if it has lines."""

    @property
    def where(self) -> str:
        """``row 17 (line 18)``."""
        return place(self.row, self.line)


@dataclass
class Table:
    """The rows of one file."""

    title: str
    """What the file is, e.g. ``CSV``."""
    columns: tuple[str, ...] = ()
    rows: list[dict] = field(default_factory=list)
    """Column -> value as written; a row may lack columns."""
    numbers: list[int] = field(default_factory=list)
    """The number of each row in ``rows``."""
    lines: list[int | None] = field(default_factory=list)
    """The line of the file where each row in ``rows`` starts."""
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person should know of how the file was read."""
    started: float = field(default_factory=time.monotonic, repr=False)
    size: int = 0
    """Characters or bytes read so far."""

    @property
    def total_rows(self) -> int:
        """Rows read, kept or not."""
        return len(self.rows) + len(self.rejected)

    def add(self, values: dict, line: int | None = None, size: int | None = None) -> None:
        """Take in the next row; ``size`` is its length in characters where the reader knows it already."""
        size = sum(len(value) for value in values.values() if isinstance(value, str)) if size is None else size
        if size > MAX_ROW_CHARACTERS:
            return self.reject(f"It is longer than {MAX_ROW_CHARACTERS:,} characters.", line, size)
        if not values.keys() <= self._known:
            self.name_columns((*self.columns, *(name for name in values if name not in self._known)))
        self.rows.append(values)
        self.numbers.append(self.total_rows)
        self.lines.append(line)
        self._spend(size)

    def reject(self, reason: str, line: int | None = None, size: int = 0) -> None:
        """Leave out the next row."""
        self.rejected.append(Rejected(self.total_rows + 1, reason, line))
        self._spend(size)

    def name_columns(self, names: tuple[str, ...]) -> None:
        """Set the columns; ``DataError`` for a name that comes twice, or for too many."""
        twice = sorted({name for name in names if names.count(name) > 1}) if len(names) <= MAX_COLUMNS else []
        if twice:
            listed = ", ".join(f'"{name}"' for name in twice)
            raise DataError(f"More than one column is named {listed}.", "Give each column a name of its own.")
        if len(names) > MAX_COLUMNS:
            raise DataError(f"There are more than {MAX_COLUMNS} columns.", "Keep the columns to learn from.")
        self.columns, self._known = tuple(names), frozenset(names)

    def __post_init__(self):
        self._known: frozenset[str] = frozenset(self.columns)

    def _spend(self, size: int) -> None:
        self.size += size
        if self.total_rows > MAX_ROWS:
            raise DataError(f"There are more than {MAX_ROWS:,} rows.", "Take a part of them.")
        if self.size > MAX_BYTES:
            raise DataError(f"The rows are larger than {MAX_BYTES // 2**20} MB.", "Take a part of them.")
        if self.total_rows % 1000 == 0 and time.monotonic() - self.started > MAX_SECONDS:
            raise DataError(f"Reading takes more than {MAX_SECONDS} seconds.", "Take a part of the rows.")


def none_can(total: int) -> str:
    """The beginning of a sentence on rows none of which serves."""
    return "The only row cannot" if total == 1 else f"None of the {total:,} rows can"


def place(row: int, line: int | None) -> str:
    """Where a row is, in words."""
    return f"row {row:,}" if line is None else f"row {row:,} (line {line:,})"

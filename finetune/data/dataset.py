"""A dataset: the examples that rows give, which row each is from, and which rows give none.

The format is detected from the rows and can be overridden; rows are rejected with a reason, never changed.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from finetune.data.detected import Detected
from finetune.data.examples import picked
from finetune.data.store import Numbers
from finetune.data.table import Rejected, Table


@dataclass
class Dataset:
    """Examples of one kind. It is immutable by convention: changes return another dataset."""

    kind: str
    """``chat``, ``preference``, ``rated``, ``prompt`` or ``text``."""
    format: str
    """The format's name."""
    title: str
    """The format's name as the page shows it."""
    reason: str
    """Why this format was detected, as a sentence."""
    confidence: float
    """0 to 1; 1 if a person chose the format."""
    columns: dict[str, str]
    """Field -> column."""
    examples: Sequence[dict] = field(default_factory=list)
    """TRL's columns: ``messages``; ``prompt``, ``chosen`` and ``rejected``; ``prompt``, ``completion`` and ``label``;
    or ``text``. Those of a large table are made on access."""
    rows: Sequence[int] = field(default_factory=list)
    """The 1-based row of the table that each example is from, ascending; a row may give several."""
    rejected: list[Rejected] = field(default_factory=list)
    total_rows: int = 0
    file_columns: tuple[str, ...] = ()
    """All columns of the file."""
    unused: tuple[str, ...] = ()
    """The columns of the file that no part of the format reads."""
    split: str = ""
    """The column that says which rows are held out, if there is one."""
    notes: list[str] = field(default_factory=list)
    """How the file was read, as sentences."""
    table: Table = field(default_factory=lambda: Table(""), repr=False)
    """The rows that the examples are from."""
    unmasked: Table | None = field(default=None, repr=False)
    """The same rows before masking, if a column groups or stratifies them."""

    @property
    def detected(self) -> Detected:
        """How the rows are understood."""
        return Detected(
            self.format,
            self.title,
            self.kind,
            self.columns,
            self.unused,
            self.confidence,
            self.reason,
            tuple(self.notes),
        )

    def without(self, positions: Collection[int], reason: str) -> "Dataset":
        """This dataset without the examples at ``positions``; a row that has no other is rejected for ``reason``."""
        kept = [position for position in range(len(self.examples)) if position not in positions]
        rows = Numbers(self.rows[position] for position in kept)
        lost = sorted({self.rows[position] for position in positions} - set(rows))
        return replace(
            self,
            examples=picked(self.examples, kept),
            rows=rows,
            rejected=sorted(self.rejected + [self.left_out(row, reason) for row in lost], key=lambda bad: bad.row),
        )

    def values(self, column: str) -> list:
        """The value of ``column`` in the row that each example is from, before masking."""
        table = self.unmasked or self.table
        values = {number: row.get(column) for number, row in zip(table.numbers, table.rows)}
        return [values.get(row) for row in self.rows]

    def left_out(self, row: int, reason: str, fix: str = "") -> Rejected:
        """Row number ``row`` as a rejected row; ``fix`` is the type of the fix that solves it."""
        at = bisect_left(self.table.numbers, row)
        line = self.table.lines[at] if at < len(self.table.numbers) else None
        return Rejected(row, reason, line, self.table.file_of(row), fix)

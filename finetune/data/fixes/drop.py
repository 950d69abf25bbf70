"""Leave rows out."""

from typing import Literal

from pydantic import Field, field_validator

from finetune.data.fixes.fix import Fix
from finetune.data.table import MAX_ROWS, Table

REASON = "You left it out."
MOST_CHARACTERS = 80
"""Characters of row numbers in a sentence."""
MOST_WRITTEN = 1_000_000
"""Characters of all row numbers."""


class Drop(Fix):
    """Rows are left out by their numbers."""

    type: Literal["drop"] = "drop"
    rows: str = Field(max_length=MOST_WRITTEN)
    """Row numbers and ranges: ``3, 7-12``."""

    @field_validator("rows")
    @classmethod
    def _check(cls, rows: str) -> str:
        numbers(rows)
        return rows

    def on_table(self, table: Table, roles: dict[str, str] | None = None) -> Table:
        unwanted = numbers(self.rows)
        return table.keep(lambda number: number not in unwanted, REASON)

    @property
    def words(self) -> str:
        count = len(numbers(self.rows))
        return f"Row {self.rows} was left out." if count == 1 else f"{count:,} rows were left out: {self._named}."

    @property
    def _named(self) -> str:
        """The numbers, or the first of many."""
        beginning = self.rows[:MOST_CHARACTERS]
        return self.rows if beginning == self.rows else f"{beginning.rpartition(',')[0]}, …"


def numbers(rows: str) -> set[int]:
    """The numbers in ``3, 7-12``; ``ValueError`` if it is malformed or exceeds what a table can have."""
    found: set[int] = set()
    named = 0
    for part in filter(None, (part.strip() for part in rows.split(","))):
        first, dash, last = part.partition("-")
        if not (first.strip().isdecimal() and (not dash or last.strip().isdecimal())):
            raise ValueError(f"{part[:40]!r} is neither a row number nor a range such as 7-12")
        start, end = (int(number.strip()[:9]) for number in (first, last or first))
        if not 1 <= start <= end <= 10_000_000:
            raise ValueError(f"{part[:40]!r} is not a valid range of rows")
        named += end - start + 1
        if named > MAX_ROWS:
            raise ValueError(f"These are more than {MAX_ROWS:,} rows")
        found.update(range(start, end + 1))
    return found


def ranges(rows: list[int] | tuple[int, ...]) -> str:
    """Row numbers as ``numbers`` reads them: ``3, 7-12``."""
    parts, run = [], []
    for row in sorted(set(rows)):
        if run and row != run[-1] + 1:
            parts.append(_range(run))
            run = []
        run.append(row)
    return ", ".join([*parts, _range(run)] if run else parts)


def _range(run: list[int]) -> str:
    return f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}"

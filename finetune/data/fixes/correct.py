"""Replace values of a row."""

from typing import Literal

from pydantic import Field

from finetune.data.fixes.fix import Cells, Fix
from finetune.data.table import Table


class Correct(Fix):
    """New values for columns of one row; a row that does not exist is ignored."""

    type: Literal["correct"] = "correct"
    row: int = Field(ge=1)
    """The number of the row."""
    values: Cells = Field(min_length=1)
    """Column -> its new value; other columns keep theirs."""

    def on_table(self, table: Table, roles: dict[str, str] | None = None) -> Table:
        return table.replaced(lambda number, row: {**row, **self.values} if number == self.row else None, (self.row,))

    @property
    def words(self) -> str:
        return f"Row {self.row:,} was corrected: {' and '.join(self.values)}."

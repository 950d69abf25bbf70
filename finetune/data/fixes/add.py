"""Add a row."""

from typing import Literal

from pydantic import Field

from finetune.data.fixes.fix import Cells, Fix
from finetune.data.table import Table


class Add(Fix):
    """One more row, written by hand; its number follows the last one."""

    type: Literal["add"] = "add"
    values: Cells = Field(min_length=1)
    """Column -> value."""

    def on_table(self, table: Table, roles: dict[str, str] | None = None) -> Table:
        return table.added(dict(self.values))

    @property
    def words(self) -> str:
        return "One row was added."

"""Join turns that the same side says one after another."""

from typing import ClassVar, Literal

from finetune.data.fixes.fix import Fix
from finetune.data.formats.rewriting import Rewriting, rewritten
from finetune.data.table import Table


class Join(Fix):
    """Turns by the user that follow each other become one, with a blank line between; and so do the assistant's."""

    everywhere: ClassVar[bool] = True
    fault: ClassVar[tuple[str, str]] = ("has two turns in a row by one side", "have two turns in a row by one side")
    button: ClassVar[str] = "Join them"
    type: Literal["join"] = "join"

    def on_table(self, table: Table, roles: dict[str, str] | None = None) -> Table:
        return table.replaced(lambda number, row: rewritten(row, joined, roles))

    @property
    def words(self) -> str:
        return "Turns in a row by one side were joined."


def joined(turns: Rewriting) -> list[dict]:
    """The turns as they are written, those in a row by one side as one."""
    found: list[dict] = []
    for turn in turns.written:
        if found and turns.role(turn) in ("user", "assistant") and turns.can_join(found[-1], turn):
            found[-1] = turns.join(found[-1], turn)
        else:
            found.append(turn)
    return found

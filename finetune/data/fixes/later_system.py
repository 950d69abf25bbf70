"""Merge later system prompts into the first one, or into the next question."""

from typing import ClassVar, Literal

from finetune.data.fixes.fix import Fix
from finetune.data.formats.rewriting import Rewriting, rewritten
from finetune.data.table import Table


class LaterSystem(Fix):
    """A system prompt in the middle goes to the beginning of the next question, and a second one at the start to the
    end of the first.
    """

    everywhere: ClassVar[bool] = True
    fault: ClassVar[tuple[str, str]] = ("has a second or later system prompt", "have a second or later system prompt")
    button: ClassVar[str] = "Merge them into the first, or into the next question"
    type: Literal["later_system"] = "later_system"

    def on_table(self, table: Table, roles: dict[str, str] | None = None) -> Table:
        return table.replaced(lambda number, row: rewritten(row, moved, roles))

    @property
    def words(self) -> str:
        return "Later system prompts were merged into the first, or into the next question."


def moved(turns: Rewriting) -> list[dict]:
    """The turns as they are written, with a system prompt at most at the start."""
    found: list[dict] = []
    waiting: list[dict] = []
    for turn in turns.written:
        role = turns.role(turn)
        if role == "system" and found and all(turns.role(each) == "system" for each in found):
            found[-1] = turns.join(found[-1], turn)
        elif role == "system" and found:
            waiting.append(turn)
        elif role == "user" and waiting:
            found.append(turns.join(*waiting, turn))
            waiting = []
        else:
            found.append(turn)
    last = next((place for place in reversed(range(len(found))) if turns.role(found[place]) == "user"), None)
    if waiting and last is not None:
        found[last] = turns.join(found[last], *waiting)
    return found

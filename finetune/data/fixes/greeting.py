"""Leave out what the assistant says before the first question, or keep it as the answer to one."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.data.fixes.fix import Fix
from finetune.data.formats.format import plain
from finetune.data.formats.rewriting import Rewriting, rewritten
from finetune.data.table import Table

PROMPTS = ("prompt", "question", "instruction", "query", "input", "messages", "conversations", "request")
"""Names of columns beside which other columns hold answers, which begin with the assistant."""


class Greeting(Fix):
    """The assistant's turns before the first question are left out, or kept as the answer to ``question``."""

    everywhere: ClassVar[bool] = True
    fault: ClassVar[tuple[str, str]] = ("begins with the assistant", "begin with the assistant")
    button: ClassVar[str] = "Leave the greetings out"
    type: Literal["greeting"] = "greeting"
    question: str = Field("", max_length=1000)
    """What the user says before a greeting, so that it is kept: ``Hello.``; empty leaves it out."""

    def on_table(self, table: Table, roles: dict[str, str] | None = None) -> Table:
        prompts = [column for column in table.columns if plain(column) in PROMPTS]
        only = prompts or None
        return table.replaced(lambda number, row: rewritten(row, self._without, roles, only))

    def _without(self, turns: Rewriting) -> list[dict]:
        written = turns.written
        roles = [turns.role(turn) for turn in written]
        start = next((place for place, role in enumerate(roles) if role != "system"), 0)
        end = next((place for place, role in enumerate(roles) if role == "user"), 0)
        if end <= start or roles[start] != "assistant":
            return written
        if self.question.strip():
            return [*written[:start], turns.turn("user", self.question), *written[start:]]
        return [*written[:start], *written[end:]]

    @property
    def words(self) -> str:
        if self.question.strip():
            return f'Greetings were kept as the answer to "{self.question}".'
        return "What the assistant says before the first question was left out."

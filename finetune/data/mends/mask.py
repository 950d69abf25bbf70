"""Put placeholders in the place of secrets and personal data."""

import json
import re
from typing import ClassVar, Literal

from finetune.data.formats.tools import parsed
from finetune.data.mends.mend import Mend
from finetune.data.secrets import KINDS, NAMES, mask
from finetune.data.table import Table

LONG_NUMBER = 10**11
"""A number from here on has 12 digits and may be that of a card."""
JSON_PART = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![\w.+-])\d{12,19}(?![\w.+-])')
"""A string in JSON, or a number that may be a card's: what is in it is told from what is around it, an escape before an
address from the address, and what takes its place is JSON again."""


class Mask(Mend):
    """A placeholder such as ``[e-mail]`` for each of ``kinds``, in rows mixed in or kept for checking too."""

    everywhere: ClassVar[bool] = True
    type: Literal["mask"] = "mask"
    kinds: tuple[Literal[KINDS], ...] = KINDS
    """What is looked for."""

    def on_table(self, table: Table) -> Table:
        return table.replaced(lambda number, row: self._masked(row))

    def _masked(self, value: object) -> object:
        """``value`` with placeholders in all its strings; the very same object if there is nothing to mask."""
        if isinstance(value, str):
            is_json = isinstance(parsed(value), (list, dict))
            return JSON_PART.sub(self._masked_part, value) if is_json else mask(value, self.kinds)
        if isinstance(value, dict):
            masked = {key: self._masked(each) for key, each in value.items()}
            return masked if any(masked[key] is not value[key] for key in value) else value
        if isinstance(value, list):
            masked = [self._masked(each) for each in value]
            return masked if any(new is not old for new, old in zip(masked, value)) else value
        if isinstance(value, int) and value > LONG_NUMBER:
            written = str(value)
            masked = mask(written, self.kinds)
            return value if masked == written else masked
        return value

    def _masked_part(self, part: re.Match) -> str:
        """A string or a number within JSON, as it is written there; in the JSON's own spelling if it changes."""
        value = json.loads(part[0])
        masked = self._masked(value)
        return part[0] if masked == value else json.dumps(masked, ensure_ascii=part[0].isascii())

    @property
    def words(self) -> str:
        named = [NAMES.get(kind, kind) for kind in self.kinds]
        listed = " and ".join(filter(None, (", ".join(named[:-1]), *named[-1:])))
        return f"Each {listed} became a placeholder."

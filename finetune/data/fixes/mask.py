"""Replace secrets and personal data by placeholders."""

import json
import re
from collections import defaultdict
from itertools import count
from typing import ClassVar, Literal

from pydantic import Field

from finetune.data.fixes.fix import Fix
from finetune.data.formats.tools import json_in
from finetune.data.secrets import KINDS, NAMES, mask
from finetune.data.table import Table

LONG_NUMBER = 10**11
"""A number from here on has 12 digits and may be a card number."""
JSON_PART = re.compile(r'(?<!\\)"(?:[^"\\]|\\.)*"|(?<![\w.+-])\d{12,19}(?![\w.+-])')
"""A string in JSON, or a number that may be a card number. Masking each by itself keeps the result valid JSON,
and keeps an escape before an address apart from the address."""


class Mask(Fix):
    """Secrets and personal data become placeholders such as ``[e-mail]``, in held-out rows and mixed-in data too."""

    everywhere: ClassVar[bool] = True
    type: Literal["mask"] = "mask"
    kinds: tuple[Literal[KINDS], ...] = Field(KINDS, min_length=1, max_length=len(KINDS))
    """The kinds of secrets and personal data to mask."""

    def on_table(self, table: Table, roles: dict[str, str] | None = None) -> Table:
        return table.replaced(lambda number, row: {column: self._masked(value) for column, value in row.items()})

    def _masked(self, value: object) -> object:
        """``value`` with placeholders in all its strings; the same object if there is nothing to mask."""
        if isinstance(value, str):
            found = json_in(value)
            return self._masked_json(value, found) if isinstance(found, (list, dict)) else mask(value, self.kinds)
        if isinstance(value, dict):
            masked = self._masked_object(value)
            return value if masked == value else masked
        if isinstance(value, list):
            masked = [self._masked(each) for each in value]
            return masked if any(new is not old for new, old in zip(masked, value)) else value
        if isinstance(value, int) and value > LONG_NUMBER:
            written = str(value)
            masked = mask(written, self.kinds)
            return value if masked == written else masked
        return value

    def _masked_object(self, value: dict) -> dict:
        """``value`` with placeholders also in its keys; of keys that become equal, the later are numbered."""
        masked, numbers = {}, defaultdict(lambda: count(2))
        for key, each in value.items():
            name = wanted = mask(key, self.kinds)
            while name != key and (name in masked or name in value):
                name = f"{wanted} {next(numbers[wanted])}"
            masked[name] = self._masked(each)
        return masked

    def _masked_json(self, value: str, found: list | dict) -> str:
        """``value``, which is ``found`` as JSON; it keeps its spelling unless keys would become equal."""
        masked = JSON_PART.sub(self._masked_part, value)
        if masked != value and isinstance(json_in(masked), str):
            return json.dumps(self._masked(found), ensure_ascii=value.isascii())
        return masked

    def _masked_part(self, part: re.Match) -> str:
        """A string or a number within JSON: unchanged, or masked and written as JSON again."""
        value = json.loads(part[0])
        masked = self._masked(value)
        return part[0] if masked == value else json.dumps(masked, ensure_ascii=part[0].isascii())

    @property
    def words(self) -> str:
        named = [NAMES.get(kind, kind) for kind in self.kinds]
        listed = " and ".join(filter(None, (", ".join(named[:-1]), *named[-1:])))
        return f"Each {listed} became a placeholder."

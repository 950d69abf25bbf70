"""Do rows hold what should not leave the house: keys, addresses, numbers of people?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen, Severity
from finetune.data.fixes.mask import Mask
from finetune.data.secrets import KINDS, PREFILTER, find, hint
from finetune.format import counted

GRAVE = ("key", "card")
"""What does harm at once to whoever lets it out."""


class Secrets(Check):
    """Possible secrets and personal data: a model repeats word for word what it has learnt."""

    order = 45
    prefilter = PREFILTER

    def __init__(self, where: str = ""):
        self.where = where
        """Where the rows are from, as part of a sentence; empty for the data itself."""
        self.rows: dict[str, list[int]] = {}
        self.first: dict[str, str] = {}
        self.kinds: dict[str, str] = {}

    def see(self, seen: Seen) -> None:
        text = seen.all_text
        for match in find(text):
            rows = self.rows.setdefault(match.name, [])
            if rows[-1:] != [seen.row]:
                rows.append(seen.row)
            self.first.setdefault(match.name, hint(text, match))
            self.kinds[match.name] = match.kind

    def tell(self, evidence: Evidence | None = None) -> Iterator[Finding]:
        grave = [name for name in self.rows if self.kinds[name] in GRAVE]
        yield from self._tell(grave, "problem", "secrets", "secrets")
        others = [name for name in self.rows if name not in grave]
        yield from self._tell(others, "warning", "personal-data", "personal data")

    def _tell(self, names: list[str], severity: Severity, code: str, what: str) -> Iterator[Finding]:
        if not names:
            return
        kinds = tuple(kind for kind in KINDS if kind in {self.kinds[name] for name in names})
        listed = ", ".join(f"{name} ({self.first[name]}) in {counted(len(set(self.rows[name])))}" for name in names)
        message = f"Possible {what}{self.where}: {listed}. The model may repeat what it learns."
        rows = tuple(sorted({row for name in names for row in self.rows[name]}))
        yield Finding(severity, message, rows, fix=Mask(kinds=kinds), button="Put placeholders", code=code)

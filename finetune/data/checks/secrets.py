"""Do rows hold secrets or personal data: keys, addresses, phone and card numbers?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen, Severity
from finetune.data.fixes.mask import Mask
from finetune.data.secrets import KINDS, PREFILTER, find, hint
from finetune.format import counted

SEVERE = ("key", "card")
"""Kinds whose leak does harm at once."""


class Secrets(Check):
    """Possible secrets and personal data: a model can reproduce its training data word for word."""

    order = 45
    prefilter = PREFILTER

    def __init__(self, where: str = ""):
        self.where = where
        """The source of the rows, as the end of a sentence; empty for the main data."""
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

    def findings(self, evidence: Evidence | None = None) -> Iterator[Finding]:
        severe = [name for name in self.rows if self.kinds[name] in SEVERE]
        yield from self._findings(severe, "problem", "secrets", "secrets")
        others = [name for name in self.rows if name not in severe]
        yield from self._findings(others, "warning", "personal-data", "personal data")

    def _findings(self, names: list[str], severity: Severity, code: str, what: str) -> Iterator[Finding]:
        if not names:
            return
        kinds = tuple(kind for kind in KINDS if kind in {self.kinds[name] for name in names})
        listed = ", ".join(f"{name} ({self.first[name]}) in {counted(len(set(self.rows[name])))}" for name in names)
        message = f"Possible {what}{self.where}: {listed}. A model can reproduce its training data word for word."
        rows = tuple(sorted({row for name in names for row in self.rows[name]}))
        yield Finding(severity, message, rows, fix=Mask(kinds=kinds), button="Mask them", code=code)

"""Is there something to prefer in every pair of answers?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen, gravity, told, without


class EqualPairs(Check):
    """Pairs whose chosen and rejected answers are the same."""

    order = 35

    def __init__(self):
        self.rows: list[int] = []

    def see(self, seen: Seen) -> None:
        chosen = seen.example.get("chosen")
        if chosen is not None and chosen == seen.example["rejected"]:
            self.rows.append(seen.row)

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        if rows := self.rows:
            words = told(len(rows), "has", "have")
            message = f"{words} the same chosen and rejected answer, so there is nothing to prefer."
            yield Finding(gravity(len(rows), evidence.dataset.total_rows), message, **without(rows), code="equal-pairs")

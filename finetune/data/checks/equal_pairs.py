"""Do the two answers of every preference pair differ?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen, counted_rows, severity_of, without


class EqualPairs(Check):
    """Pairs whose chosen and rejected answers are the same."""

    order = 35

    def __init__(self):
        self.rows: list[int] = []

    def see(self, seen: Seen) -> None:
        chosen = seen.example.get("chosen")
        if chosen is not None and chosen == seen.example["rejected"]:
            self.rows.append(seen.row)

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        if rows := self.rows:
            words = counted_rows(len(rows), "has", "have")
            message = f"{words} the same chosen and rejected answer, so there is no preference to learn."
            yield Finding(
                severity_of(len(rows), evidence.dataset.total_rows), message, **without(rows), code="equal-pairs"
            )

"""Are training rows also among the held-out rows (train-test leakage)?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, counted_rows, severity_of, without


class Leakage(Check):
    """Rows in both parts of the split, equal or near-duplicates: there, the evaluation measures memorization."""

    order = 40

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        total = evidence.dataset.total_rows
        if rows := evidence.leaks:
            words = counted_rows(len(rows), "is", "are")
            message = f"{words} also among the held-out rows (leakage), so the evaluation would measure memorization."
            yield Finding(severity_of(len(rows), total), message, **without(rows), code="leakage")
        if rows := evidence.near_leaks:
            words = evidence.counted_rows(len(rows), "is a near-duplicate", "are near-duplicates")
            message = f"{words} of a held-out row (leakage), which makes the evaluation look too good."
            severity = severity_of(evidence.estimated(len(rows)), total)
            yield Finding(severity, message, **without(rows), code="near-leakage")

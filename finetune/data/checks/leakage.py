"""Are rows to learn from also among those kept for checking?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, gravity, told, without


class Leakage(Check):
    """Rows on both sides, word for word or nearly: a model that knows the answers shows nothing when asked."""

    order = 40

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        total = evidence.dataset.total_rows
        if rows := evidence.leaks:
            words = told(len(rows), "is", "are")
            message = f"{words} also among the rows kept for checking, so answering them well would prove nothing."
            yield Finding(gravity(len(rows), total), message, **without(rows), code="leakage")
        if rows := evidence.near_leaks:
            words = evidence.told(len(rows), "says", "say")
            message = f"{words} nearly the same as a row kept for checking, which makes the check look too good."
            severity = gravity(evidence.estimated(len(rows)), total)
            yield Finding(severity, message, **without(rows), code="near-leakage")

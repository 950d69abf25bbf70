"""Are rows duplicates of others?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, counted_rows
from finetune.data.fixes.deduplicate import Deduplicate

MANY_SHARE = 0.1
"""Above it, the model sees the same rows so often that it memorizes them (overfitting)."""


class Duplicates(Check):
    """Rows that equal an earlier one."""

    order = 60

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        rows = evidence.duplicates
        if rows:
            severity = "warning" if len(rows) > MANY_SHARE * evidence.dataset.total_rows else "info"
            message = f"{counted_rows(len(rows), 'is a duplicate', 'are duplicates')} of an earlier one."
            button = f"Leave the {'duplicate' if len(rows) == 1 else 'duplicates'} out"
            yield Finding(severity, message, tuple(rows), fix=Deduplicate(), button=button, code="duplicates")

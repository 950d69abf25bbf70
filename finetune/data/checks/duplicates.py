"""Do rows repeat others?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, told
from finetune.data.fixes.deduplicate import Deduplicate

MANY_SHARE = 0.1
"""Above it, the model goes so often through the same rows that it learns them by heart."""


class Duplicates(Check):
    """Rows that say the very same as an earlier one."""

    order = 60

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        rows = evidence.duplicates
        if rows:
            severity = "warning" if len(rows) > MANY_SHARE * evidence.dataset.total_rows else "info"
            message = f"{told(len(rows), 'repeats', 'repeat')} an earlier one."
            button = f"Leave the {'repeat' if len(rows) == 1 else 'repeats'} out"
            yield Finding(severity, message, tuple(rows), fix=Deduplicate(), button=button, code="duplicates")

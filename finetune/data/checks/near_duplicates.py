"""Are rows near-duplicates of others?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, counted_rows
from finetune.data.checks.duplicates import MANY_SHARE
from finetune.data.fixes.deduplicate import Deduplicate


class NearDuplicates(Check):
    """Rows that are near-duplicates of an earlier one; see ``finetune.data.near``."""

    order = 61

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        rows = evidence.near_duplicates
        if not rows:
            return
        # A sample often holds only one of two near-duplicates, so their number in all rows cannot be estimated.
        among = f"Among {len(evidence.sample):,} sampled rows, " if evidence.is_sampled else ""
        message = f"{among}{counted_rows(len(rows), 'is a near-duplicate', 'are near-duplicates')} of an earlier one."
        severity = "warning" if len(rows) > MANY_SHARE * len(evidence.sample) else "info"
        fix, button = Deduplicate(near=True), "Keep one of each"
        yield Finding(severity, message, tuple(rows), fix=fix, button=button, code="near-duplicates")

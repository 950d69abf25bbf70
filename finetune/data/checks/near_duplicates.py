"""Do rows nearly repeat others?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, told
from finetune.data.checks.duplicates import MANY_SHARE
from finetune.data.fixes.deduplicate import Deduplicate


class NearDuplicates(Check):
    """Rows that say nearly the same as an earlier one; see ``finetune.data.near``."""

    order = 61

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        rows = evidence.near_duplicates
        if not rows:
            return
        # Of two rows that are alike a sample often holds one only, so that nothing can be said of all rows.
        among = f"Among {len(evidence.sample):,} rows looked at, " if evidence.is_sampled else ""
        message = f"{among}{told(len(rows), 'says', 'say')} nearly the same as an earlier one."
        severity = "warning" if len(rows) > MANY_SHARE * len(evidence.sample) else "info"
        fix, button = Deduplicate(near=True), "Keep one of each"
        yield Finding(severity, message, tuple(rows), fix=fix, button=button, code="near-duplicates")

"""Are rows rejected for something that a fix solves?"""

from collections import defaultdict
from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, counted_rows, severity_of
from finetune.data.fixes import FIXES


class Fixable(Check):
    """Rejected rows that a fix of all such rows solves: an order of turns, a system prompt."""

    order = 29

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        rows = defaultdict(list)
        for rejected in evidence.rejected:
            if rejected.fix in FIXES:
                rows[rejected.fix].append(rejected.row)
        for name, numbers in rows.items():
            fix = FIXES[name]
            message = f"{counted_rows(len(numbers), *fix.fault)}, and so they are rejected."
            if len(numbers) == 1:
                message = f"{counted_rows(1, *fix.fault)}, and so it is rejected."
            severity = severity_of(len(numbers), evidence.dataset.total_rows)
            yield Finding(severity, message, tuple(numbers), fix=fix(), button=fix.button, code=f"rejected-{name}")

"""Did every row become an example?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, counted_rows, severity_of
from finetune.data.fixes import FIXES


class Refused(Check):
    """Rows that give no example, or that the model's chat template refuses."""

    order = 30

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        rejected = [row for row in evidence.rejected if row.fix not in FIXES]  # a finding of their own offers the fix
        if rejected:
            first = rejected[0]
            message = f"{counted_rows(len(rejected), 'is', 'are')} rejected; the first is {first.where}: {first.reason}"
            severity = severity_of(len(rejected), evidence.dataset.total_rows)
            yield Finding(severity, message, tuple(row.row for row in rejected), code="rejected")

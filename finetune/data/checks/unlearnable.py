"""Does every row have trained tokens?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, severity_of, without
from finetune.data.checks.truncation import longer


class Unlearnable(Check):
    """Rows without trained tokens, usually because the answer is truncated."""

    order = 20

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        lost = evidence.nothing_to_train_on
        if lost:
            words = evidence.counted_rows(len(lost), "has", "have")
            message = f"{words} no trained tokens at this length: the answer is truncated."
            severity = severity_of(evidence.estimated(len(lost)), evidence.dataset.total_rows)
            button = longer(evidence) if severity == "problem" else without(lost)
            yield Finding(severity, message, **{"rows": tuple(lost), **button}, code="nothing-to-learn")

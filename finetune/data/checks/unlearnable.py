"""Is there something to learn in every row?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, gravity, without
from finetune.data.checks.truncation import longer


class Unlearnable(Check):
    """Rows without any token to learn, usually because the answer lies behind the cut."""

    order = 20

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        lost = evidence.nothing_to_train_on
        if lost:
            words = evidence.told(len(lost), "has", "have")
            message = f"{words} nothing to learn at this length: the answer lies behind the cut."
            severity = gravity(evidence.estimated(len(lost)), evidence.dataset.total_rows)
            button = longer(evidence) if severity == "problem" else without(lost)
            yield Finding(severity, message, **{"rows": tuple(lost), **button}, code="nothing-to-learn")

"""Could every row be read?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, gravity, told


class Refused(Check):
    """Rows that cannot be read as examples, or that the model's chat template refuses."""

    order = 30

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        rejected = evidence.rejected
        if rejected:
            first = rejected[0]
            message = f"{told(len(rejected), 'is', 'are')} left out; the first is {first.where}: {first.reason}"
            severity = gravity(len(rejected), evidence.dataset.total_rows)
            yield Finding(severity, message, tuple(row.row for row in rejected), code="rejected")

"""Where answers are a few fixed labels, or thumbs up and down: are the classes balanced?"""

from collections import Counter
from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen, Summary
from finetune.format import percent_of

ONE_SIDED = 0.9
"""The share from which one label outweighs the others."""
FEWEST_ROWS = 20
"""With fewer, shares say little."""
MOST_CHARACTERS = 40
"""A longer answer is no label."""
MOST_LABELS = 50
MOST_DISTINCT = 1000
"""With more distinct answers than this, they are no labels, and counting stops."""
LISTED = 5


class Balance(Check):
    """The shares of labels; reports nothing where answers are free text."""

    order = 80

    def __init__(self):
        self.counts: Counter[str | bool] = Counter()
        self.are_labels = True
        self.rows = 0

    def see(self, seen: Seen) -> None:
        if not self.are_labels:
            return
        label = seen.example.get("label")
        if isinstance(label, bool):
            self.counts["thumbs up" if label else "thumbs down"] += 1
            self.rows += 1
        elif len(seen.answers) == 1 and "chosen" not in seen.example:
            answer = seen.answers[0]
            self.counts[answer.strip()] += 1
            self.rows += 1
            self.are_labels = len(answer) <= MOST_CHARACTERS and len(self.counts) <= MOST_DISTINCT
        else:
            self.are_labels = False

    def see_summary(self, summary: Summary) -> None:
        if summary.others:  # their answers are longer than a label, or missing
            self.are_labels = False

    @property
    def labels(self) -> int:
        """The number of labels; 0 if the answers are free text."""
        few = len(self.counts) <= MOST_LABELS and 5 * len(self.counts) <= self.rows
        return len(self.counts) if self.are_labels and few and self.rows >= FEWEST_ROWS else 0

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        if not self.labels:
            return
        (most, count), *_ = listed = self.counts.most_common(LISTED)
        if self.labels == 1:
            yield Finding(
                "warning", f'Every answer is "{most}": with one class there is nothing to learn.', code="labels"
            )
            return
        shares = ", ".join(f'"{label}" {percent_of(times, self.rows)}' for label, times in listed)
        more = f" and {self.labels - LISTED} more" if self.labels > LISTED else ""
        words = f"The answers are {self.labels} fixed labels: {shares}{more}"
        if count > ONE_SIDED * self.rows:
            message = (
                f'{words}. A model that always answers "{most}" is nearly always right; add rows of the other labels.'
            )
            yield Finding("warning", message, code="labels")
        else:
            yield Finding("info", f"{words}.", code="labels")

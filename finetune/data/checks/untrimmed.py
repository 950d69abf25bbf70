"""Do answers begin with white space, as where a prompt ended with the name of the next speaker?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen
from finetune.data.fixes.trim import Trim


class Untrimmed(Check):
    """Answers that begin with a space or a line feed: after a chat template, the model learns to begin so."""

    order = 86
    is_expensive = True

    def __init__(self):
        self.rows: list[int] = []

    def see(self, seen: Seen) -> None:
        if any(answer[:1].isspace() and answer.strip() for answer in seen.answers):
            self.rows.append(seen.row)

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        if not self.rows:
            return
        words = evidence.counted_rows(len(self.rows), "has an answer that begins", "have answers that begin")
        message = f"{words} with white space. The model would learn to begin its answers so."
        yield Finding("warning", message, tuple(self.rows), Trim(), button="Take the white space off", code="untrimmed")

"""Length bias: is the chosen answer of a pair nearly always the longer, or the shorter?"""

from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen
from finetune.format import percent_of

FEWEST_PAIRS = 20
"""With fewer, a share says little."""
ONE_SIDED = 0.75
"""The share of pairs from which training may pick up length instead of quality; about a half is unbiased."""
FACTOR = 1.2
"""How much longer the longer answers are on average before it matters."""


class LengthBias(Check):
    """Length as a signal for the chosen answer: preference training picks it up before anything else."""

    order = 70

    def __init__(self):
        self.pairs = self.longer = self.shorter = self.chosen = self.rejected = 0

    def see(self, seen: Seen) -> None:
        if "chosen" not in seen.example:
            return
        chosen, rejected = _characters(seen.example["chosen"]), _characters(seen.example["rejected"])
        self.pairs += 1
        self.longer += chosen > rejected
        self.shorter += chosen < rejected
        self.chosen += chosen
        self.rejected += rejected

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        if self.pairs < FEWEST_PAIRS:
            return
        means = f"on average {self.chosen // self.pairs:,} characters against {self.rejected // self.pairs:,}"
        if self.longer > ONE_SIDED * self.pairs and self.chosen > FACTOR * self.rejected:
            words = (
                f"In {percent_of(self.longer, self.pairs)} of the pairs the chosen answer is the longer one ({means})"
            )
            yield Finding(
                "warning", f"{words}: the model may learn to prefer length (length bias).", code="length-bias"
            )
        elif self.shorter > ONE_SIDED * self.pairs and self.rejected > FACTOR * self.chosen:
            words = (
                f"In {percent_of(self.shorter, self.pairs)} of the pairs the chosen answer is the shorter one ({means})"
            )
            yield Finding("info", f"{words}: the model will learn to answer briefly.", code="length-bias")


def _characters(turns: list[dict]) -> int:
    return sum(len(turn.get("content") or "") for turn in turns)

"""The order in which a voter sees a ballot: which question comes next, and which answer stands left.

A hash of the ballot's secret salt, the run and the voter decides it, so a reload shows the same, and nobody can compute
it from outside. It is settled from the front while the ballot still grows: what a voter was shown never moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from finetune.data.split import content_hash
from finetune.evaluation.ballot import Asked, Ballot

BLOCK = 4
"""Prompts that must be asked before one of them is shown: within a block, each voter has an order of their own."""
HALVES = tuple(combinations(range(BLOCK), BLOCK // 2))
"""Every way to choose half the places of a block (permuted blocks, as in clinical trials)."""


@dataclass(frozen=True)
class Shown:
    """A question as one voter sees it."""

    asked: Asked
    tuned_first: bool
    """True if the tuned model's answer is A."""

    @property
    def first(self) -> str:
        """Answer A."""
        return self.asked.tuned if self.tuned_first else self.asked.base

    @property
    def second(self) -> str:
        """Answer B."""
        return self.asked.base if self.tuned_first else self.asked.tuned


def order(ballot: Ballot, run_id: str, voter: str) -> list[Shown]:
    """The questions of ``ballot`` that can be shown by now, as ``voter`` sees them.

    The tuned model's answer is A in two of every four questions, so in half of them all, give or take one.
    """
    found: list[Shown] = []
    settled = _settled(ballot)
    for start in range(0, settled, BLOCK):
        block = [each for each in ballot.questions if start <= each.id < min(start + BLOCK, settled)]
        keyed = sorted(block, key=lambda each: _hash(ballot, run_id, voter, "question", each.id))
        found += [Shown(each, _is_tuned_first(ballot, run_id, voter, len(found) + n)) for n, each in enumerate(keyed)]
    return found


def _is_tuned_first(ballot: Ballot, run_id: str, voter: str, place: int) -> bool:
    drawn = int.from_bytes(_hash(ballot, run_id, voter, "side", place // BLOCK)) % len(HALVES)
    return place % BLOCK in HALVES[drawn]


def _settled(ballot: Ballot) -> int:
    """How many prompts from the front make up whole blocks of prompts that were asked."""
    known = {each.id for each in ballot.asked}
    missing = next((n for n in range(len(ballot.plan.prompts)) if n not in known), None)
    return len(ballot.plan.prompts) if missing is None else missing - missing % BLOCK


def _hash(ballot: Ballot, run_id: str, voter: str, *what: str | int) -> bytes:
    parts: Sequence[str | int] = (ballot.plan.salt, run_id, voter, *what)
    return content_hash(list(parts))

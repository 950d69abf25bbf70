"""The votes of a blind test: ``votes.jsonl`` in the run directory, on the disk before a voter sees the next question.

The last vote of a voter on a question counts. A voter who has seen the result judges no longer blindly: that ends
their voting.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, ValidationError

from finetune.errors import RunError
from finetune.evaluation.ballot import read as read_ballot
from finetune.evaluation.order import Shown, order
from finetune.runs import lines
from finetune.runs.run import Run
from finetune.settings import Settings

Choice = Literal["base", "tuned", "tie", "bad"]
CHOICES: tuple[Choice, ...] = ("base", "tuned", "tie", "bad")
MOST_NAME, MOST_ID = 60, 64
"""Characters of a voter's name and id."""


class Vote(Settings):
    """One voter's judgement of one question."""

    voter: str = Field(min_length=1, max_length=MOST_ID)
    name: str = Field("", max_length=MOST_NAME)
    """What the voter wants to be called."""
    question: int
    """``Asked.id``."""
    choice: Choice | Literal["withdrawn"]
    """Which answer is better; ``tie`` if both are good alike, ``bad`` if both are bad."""
    tuned_first: bool
    """True if the tuned model's answer was shown as A."""
    at: float
    """When, in Unix seconds."""


class Revealed(Settings):
    """A voter has seen the result."""

    voter: str = Field(min_length=1, max_length=MOST_ID)
    revealed_at: float


@dataclass(frozen=True)
class Votes:
    """All votes that stand."""

    standing: tuple[Vote, ...]
    """One for each voter and question at most, in the order they were cast."""
    informed: frozenset[str]
    """The voters who have seen the result."""

    def of(self, voter: str) -> dict[int, Vote]:
        """The votes of ``voter`` by question, in the order they were cast."""
        return {vote.question: vote for vote in self.standing if vote.voter == voter}


def read(run: Run) -> Votes:
    """The votes of ``run`` that stand; damaged lines are skipped."""
    return counted(lines.read(run.path / "votes.jsonl"))


def counted(records: Iterable[dict]) -> Votes:
    """The votes that stand after ``records``."""
    standing: dict[tuple[str, int], Vote] = {}
    informed = set()
    for record in records:
        try:
            if "revealed_at" in record:
                informed.add(Revealed.model_validate(record).voter)
                continue
            vote = Vote.model_validate(record)
        except ValidationError:
            continue
        if vote.voter in informed:
            continue
        standing.pop((vote.voter, vote.question), None)  # one who changes their mind has voted now
        if vote.choice != "withdrawn":
            standing[vote.voter, vote.question] = vote
    return Votes(tuple(standing.values()), frozenset(informed))


def shown(run: Run, voter: str) -> list[Shown]:
    """The questions of the blind test of ``run`` as ``voter`` sees them; ``RunError`` if there is no blind test."""
    ballot = read_ballot(run)
    if ballot is None:
        raise RunError(f"Run {run.id} has no blind test.", "Start one on the Compare tab.")
    return order(ballot, run.id, voter)


def cast(run: Run, voter: str, question: int, mark: str, name: str = "") -> Vote:
    """Keep the vote of ``voter``: ``mark`` is ``a`` or ``b`` for an answer as it was shown, ``tie`` or ``bad``.

    ``RunError`` if the question is not among those shown, or the voter has seen the result.
    """
    seen = next((each for each in shown(run, voter) if each.asked.id == question), None)
    if seen is None or mark not in ("a", "b", "tie", "bad"):
        raise RunError("There is no such question to vote on.", "Reload the page.")
    choice = mark if mark in ("tie", "bad") else "tuned" if (mark == "a") == seen.tuned_first else "base"
    return _keep(run, voter, question, choice, seen.tuned_first, name)


def undo(run: Run, voter: str) -> Vote | None:
    """Withdraw the last vote of ``voter``, which is returned; None if there is none."""
    votes = list(read(run).of(voter).values())
    if not votes:
        return None
    last = votes[-1]
    return _keep(run, voter, last.question, "withdrawn", last.tuned_first, last.name)


def reveal(run: Run, voter: str) -> None:
    """Note that ``voter`` sees the result from now on."""
    if voter not in read(run).informed:
        with run.here():
            lines.append(run.path / "votes.jsonl", Revealed(voter=voter, revealed_at=time.time()).model_dump())


def _keep(run: Run, voter: str, question: int, choice: str, tuned_first: bool, name: str) -> Vote:
    if voter in read(run).informed:
        raise RunError("You have seen the result, so you judge no longer blindly.", "Your votes until then count.")
    vote = Vote(voter=voter, name=name.strip()[:MOST_NAME], question=question, choice=choice,
                tuned_first=tuned_first, at=time.time())  # fmt: skip
    with run.here():
        lines.append(run.path / "votes.jsonl", vote.model_dump())
    return vote

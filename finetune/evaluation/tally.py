"""The result of a blind test: how often tuned was preferred, and whether chance could explain it.

Votes of several voters on one question are not independent: an answer that is plainly better wins them all. Counted one
by one they would look like more evidence than they are. So each question counts once, by the choice that most of its
voters made, and only then come the interval and the test. Ties and both-bad are no preference: they are reported apart.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from finetune.evaluation.ballot import Ballot
from finetune.evaluation.statistics import ALPHA, Interval, sign_test, wilson
from finetune.evaluation.votes import Choice, Vote, Votes
from finetune.evaluation.words import by_chance
from finetune.format import counted, percent

Outcome = Choice | Literal["split", "open"]
"""What the voters of a question chose: one of their choices, ``split`` if no choice has most votes, ``open`` without a
vote."""
FEWEST = 6
"""Decided questions below which no test can be significant: five of five happen by chance once in 16 times."""


@dataclass(frozen=True)
class Voter:
    """One voter's own count."""

    name: str
    wins: int
    """Questions on which they preferred tuned."""
    losses: int
    ties: int
    bad: int


@dataclass(frozen=True)
class Tally:
    """What the votes of a blind test say."""

    outcomes: dict[int, Outcome]
    """Of each question that can be judged, by its id."""
    voters: tuple[Voter, ...]
    agreement: float | None
    """Of two votes on the same question, how often they are the same; None if no question has two."""

    def count(self, *outcomes: Outcome) -> int:
        """How many questions ended in one of ``outcomes``."""
        return sum(each in outcomes for each in self.outcomes.values())

    @property
    def wins(self) -> int:
        """Questions on which tuned was preferred."""
        return self.count("tuned")

    @property
    def losses(self) -> int:
        """Questions on which base was preferred."""
        return self.count("base")

    @property
    def decided(self) -> int:
        """Questions on which one of the two was preferred."""
        return self.wins + self.losses

    @property
    def interval(self) -> Interval | None:
        """The win rate of tuned among the decided questions (Wilson interval); None without any."""
        return wilson(self.wins, self.decided) if self.decided else None

    @property
    def p(self) -> float:
        """Of the exact sign test that either is preferred equally often."""
        return sign_test(self.wins, self.losses)

    @property
    def preferred(self) -> Literal["base", "tuned", ""]:
        """Which one is preferred; empty if chance could explain the difference."""
        if self.p >= ALPHA:
            return ""
        return "tuned" if self.wins > self.losses else "base"


def tally(ballot: Ballot, votes: Votes) -> Tally:
    """The result of ``votes`` on the questions of ``ballot``."""
    by_question: dict[int, list[Vote]] = {each.id: [] for each in ballot.questions}
    for vote in votes.standing:
        if vote.question in by_question:
            by_question[vote.question].append(vote)
    judged = [vote for each in by_question.values() for vote in each]
    outcomes = {number: outcome(vote.choice for vote in each) for number, each in by_question.items()}
    return Tally(outcomes, _voters(judged), _agreement(by_question.values()))


def outcome(choices: Iterable[str]) -> Outcome:
    """The choice that more voters made than any other."""
    found = Counter(choices).most_common(2)
    if not found:
        return "open"
    return "split" if len(found) > 1 and found[0][1] == found[1][1] else found[0][0]


def verdict(found: Tally) -> str:
    """The result as a sentence, which never says more than the votes do."""
    if not found.decided:
        return "No question was decided: no answer was preferred." if found.voters else "There are no votes yet."
    if found.decided < FEWEST:
        return f"Too few to tell: tuned preferred in {found.wins} of {found.decided}."
    if not found.preferred:
        return (
            f"No clear preference: tuned in {found.wins} of {found.decided} ({_range(found.interval)}). "
            "Chance alone could explain this."
        )
    if found.preferred == "tuned":
        return (
            f"Tuned preferred in {found.wins} of {found.decided} ({_range(found.interval)}); by chance alone this "
            f"would happen {by_chance(found.p)}."
        )
    return (
        f"Base preferred in {found.losses} of {found.decided} ({_range(wilson(found.losses, found.decided))}): to "
        f"these voters, training made the answers worse; by chance alone this would happen {by_chance(found.p)}."
    )


def beside(found: Tally) -> str:
    """The questions that are not in the win rate, as a sentence; empty if there are none."""
    parts = [
        (found.count("tie"), "tie"),
        (found.count("bad"), "question with two bad answers", "questions with two bad answers"),
        (found.count("split"), "question on which the voters are split", "questions on which the voters are split"),
        (found.count("open"), "question without a vote", "questions without a vote"),
    ]
    words = [counted(*part) for part in parts if part[0]]
    return f"Beside that: {', '.join(words)}." if words and found.voters else ""


def company(found: Tally) -> str:
    """How several voters were put together, as sentences; empty for one."""
    if len(found.voters) < 2:
        return ""
    words = (
        f"{counted(len(found.voters), 'voter')}: each question counts once, by the choice that most of them made, "
        "since votes on the same question are not independent."
    )
    if found.agreement is None:
        return words
    return f"{words} Two votes on the same question agree in {percent(found.agreement)} of cases."


def _range(interval: Interval) -> str:
    low, high = (f"{bound * 100:.0f}" for bound in (interval.low, interval.high))
    return f"{percent(interval.value)}, 95 % interval {low}–{high} %"


def _voters(votes: list[Vote]) -> tuple[Voter, ...]:
    found = []
    for n, voter in enumerate(dict.fromkeys(vote.voter for vote in votes), 1):
        own = [vote for vote in votes if vote.voter == voter]
        name = next((vote.name for vote in reversed(own) if vote.name), f"Voter {n}")
        count = Counter(vote.choice for vote in own)
        found.append(Voter(name, count["tuned"], count["base"], count["tie"], count["bad"]))
    return tuple(found)


def _agreement(by_question: Iterable[list[Vote]]) -> float | None:
    same = [one.choice == other.choice for votes in by_question for one, other in combinations(votes, 2)]
    return sum(same) / len(same) if same else None

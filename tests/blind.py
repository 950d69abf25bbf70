"""Blind tests without a model: answers that a rule gives, and votes that a rule casts."""

from finetune.evaluation import ballot, votes
from finetune.inference.chat import Reply


class Parrot:
    """A pair that answers at once: the base plainly, the tuned one as a pirate; it remembers what it was asked."""

    def __init__(self, same=()):
        self.asked = []
        self.same = same
        """Questions to which both give the same answer."""

    def reply(self, base, tuned, sampling, stop=None):
        question = base[-1]["content"]
        self.asked.append(question)
        answer = f"Plainly, {question}"
        pirate = answer if question in self.same else f"Arr, {question}"
        return iter([Reply(answer, pirate, 2, 2, 30.0, done=True)])


def prompts(count: int) -> list[list[dict]]:
    return [[{"role": "user", "content": f"question {n}?"}] for n in range(count)]


def drawn(run, count: int = 8, same=()) -> ballot.Ballot:
    """The complete ballot of a blind test of ``run`` with ``count`` questions."""
    ballot.draw_up(run, prompts(count), "list")
    parrot = Parrot(same)
    list(ballot.ask_rest(run, lambda: parrot))
    return ballot.read(run)


def judge(run, voter: str, choices: dict[int, str] | list[str], name: str = "") -> None:
    """Cast the votes of ``voter``: for each question, ``tuned``, ``base``, ``tie`` or ``bad``."""
    wanted = choices if isinstance(choices, dict) else dict(enumerate(choices))
    for seen in votes.shown(run, voter):
        if (choice := wanted.get(seen.asked.id)) is not None:
            left = "tuned" if seen.tuned_first else "base"
            mark = choice if choice in ("tie", "bad") else "a" if choice == left else "b"
            votes.cast(run, voter, seen.asked.id, mark, name)

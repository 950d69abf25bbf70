"""The conversation on one page: what was asked, what each column answered, and what is asked next."""

from dataclasses import dataclass, replace

from finetune.inference.panel import Column, Said
from finetune.inference.question import messages
from finetune.recipe import Recipe

SEEDS = 2**31
"""Seeds are below this."""


@dataclass(frozen=True)
class Turn:
    """A question and the answers so far."""

    question: str
    seed: int = 7
    is_greedy: bool = False
    """True if the seed has no influence: the most likely token is taken each time."""
    asked: tuple[list[dict], ...] = ()
    """The messages that each column was asked, system prompt and earlier turns included."""
    said: tuple[Said, ...] = ()
    """The answer of each column so far."""
    is_done: bool = False
    expected: str = ""
    """The answer in the held-out rows; empty if they do not ask this."""
    scores: tuple[float, ...] = ()
    """Of each answer, by a reward model; empty if none was asked."""
    kept: frozenset[int] = frozenset()
    """The columns whose answer was kept as a training row."""
    corrected: frozenset[int] = frozenset()
    """The columns whose answer was corrected."""
    is_stopped: bool = False
    """True if the person ended the answers."""

    @property
    def next_seed(self) -> int:
        """The seed of another answer to the same question."""
        return (self.seed + 1) % SEEDS


@dataclass(frozen=True)
class Talk:
    """The conversation with base and tuned of one run, and the columns beside them."""

    run_id: str = ""
    columns: tuple[Column, ...] = ()
    turns: tuple[Turn, ...] = ()

    def settled(self) -> "Talk":
        """The conversation without a last turn whose answers were interrupted."""
        return self if not self.turns or self.turns[-1].is_done else self.before(-1)

    def before(self, place: int) -> "Talk":
        """The conversation without turn ``place``, from 0, and those after it."""
        return replace(self, turns=self.turns[:place])

    def asking(self, recipe: Recipe, turn: Turn, system: str) -> "Talk":
        """The conversation with one more turn, each column asked it after its own earlier answers."""
        asked = tuple(
            messages(recipe, turn.question, self._history(column), system) for column in range(len(self.columns))
        )
        return replace(self, turns=(*self.turns, replace(turn, asked=asked)))

    def changed(self, place: int = -1, **values: object) -> "Talk":
        """The conversation with ``values`` of turn ``place`` replaced, by default of the last."""
        turns = list(self.turns)
        turns[place] = replace(turns[place], **values)
        return replace(self, turns=tuple(turns))

    def _history(self, column: int) -> list[tuple[str, str]]:
        return [(turn.question, turn.said[column].text) for turn in self.turns]


def title(column: Column, run_id: str) -> str:
    """What the column is, in a conversation about ``run_id``: ``Base``, ``Tuned``, ``Step 40``, ``Run 4``."""
    if column.run == run_id and column.is_base:
        return "Base"
    step = "" if column.step is None else f"step {column.step:,}"
    if column.run == run_id:
        return step.capitalize() or "Tuned"
    number = column.run.partition("-")[0].lstrip("0")
    return f"Run {number}{', base' if column.is_base else ''}{step and f', {step}'}"

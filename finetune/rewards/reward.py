"""What a reward is: a number for an answer, checked by a program, for reinforcement learning.

A reward says *what is good*; how the model learns from it is the method's business.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml
from pydantic import Field, model_serializer

from finetune.settings import Settings


@dataclass(frozen=True)
class Answered:
    """One answer of the model, and what its row says of it."""

    text: str
    """The answer."""
    prompt: str = ""
    """The last question."""
    expected: str | None = None
    """The expected result, if the row has one."""
    columns: dict[str, Any] = field(default_factory=dict)
    """Further columns of the row, by name."""
    messages: tuple[dict, ...] = ()
    """The conversation up to the answer."""
    tokens: int = 0
    """Length of the answer in tokens, its end token among them."""


Scores = Callable[[list[Answered]], list[float | None]]
"""Rates answers; None where a reward does not apply."""


class Reward(Settings):
    """The base of all rewards; a subclass is one file in ``finetune/rewards/``."""

    type: str
    weight: float = Field(1.0, ge=-100, le=100)
    """Weight of this reward in the sum. A negative one makes it a penalty."""

    order: ClassVar[int] = 100
    title: ClassVar[str]
    plain: ClassVar[str]
    """What it rewards, as a sentence for everyone."""
    example: ClassVar[str]
    """A line that asks for it, to be changed."""

    @model_serializer(mode="wrap")
    def _with_type(self, write):
        # The type is each reward's default, and a recipe that leaves out defaults would not say which reward it is.
        return {"type": self.type, **write(self)}

    def __str__(self) -> str:
        """The reward in one line, as a recipe or the page takes it: ``length: {maximum: 20}``."""
        given = {name: value for name, value in self.model_dump(exclude_defaults=True).items() if name != "type"}
        if not given:
            return self.type
        written = yaml.safe_dump(given, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
        return f"{self.type}: {written.strip()}"

    @property
    def name(self) -> str:
        """Its name among the measures of a run."""
        return self.type

    @property
    def needs_expected(self) -> bool:
        """True if it compares with the row's expected result."""
        return False

    def score(self, answered: Answered) -> float | None:
        """The reward of one answer, usually between 0 and 1; None if it does not apply to this row."""
        raise NotImplementedError

    def scores(self, helpers: dict[str, Any]) -> Scores:
        """What rates a batch of answers. ``helpers`` are the models that ``wants`` names, loaded."""
        return lambda answers: [self.score(answered) for answered in answers]

    def wants(self) -> dict[str, Any]:
        """The models that rate for it, by name: the id of a run, or a judge's settings; empty for most."""
        return {}

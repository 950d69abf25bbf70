"""What a metric is: a number for one answer, the same for base and tuned."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from finetune.runs.run import Run


@dataclass(frozen=True)
class Asked:
    """One row, as both models are asked it."""

    messages: tuple[dict, ...]
    """The conversation up to the answer; empty for rows of plain text, which ask nothing."""
    expected: str = ""
    """The answer of the data; empty if it has none."""
    key: tuple[str, ...] = ()
    """The words that a right answer has, in their order; empty for all of ``expected``."""
    example: dict[str, Any] = field(default_factory=dict)
    """The whole example."""

    @property
    def question(self) -> str:
        """The last turn before the answer."""
        return self.messages[-1]["content"] if self.messages else ""


@dataclass(frozen=True)
class Given:
    """What one model gave for one row."""

    text: str = ""
    """Its greedy answer, without thinking."""
    tokens: int = 0
    is_truncated: bool = False
    loss: float | None = None
    """Mean loss per trained token of the expected answer, in nats."""
    loss_tokens: int = 0
    """Trained tokens of the expected answer."""
    margin: float | None = None
    """Mean log-probability per token of the chosen answer minus that of the rejected one, in nats."""
    reward: float | None = None
    """The weighted sum of the recipe's rewards."""


class Metric:
    """The base of all metrics; a subclass is one file in ``finetune/evaluation/metrics/``."""

    name: ClassVar[str]
    order: ClassVar[int] = 100
    """Of the metrics that fit the rows, the one with the lowest order decides."""
    title: ClassVar[str]
    """What it is, as the head of a row: ``Exact match``."""
    plain: ClassVar[str]
    """What it says, as a sentence for everyone."""
    said: ClassVar[str]
    """The same of a score, as a clause with ``{tuned}`` and ``{base}``, both with their unit."""
    unit: ClassVar[Literal["share", "nats", "tokens", "number"]] = "share"
    """A ``share`` lies between 0 and 1 and is shown in percent."""
    better: ClassVar[Literal["higher", "lower", ""]] = "higher"
    by_tokens: ClassVar[bool] = False
    """True if a row counts as often as it has trained tokens."""
    source: ClassVar[str] = ""
    """Where it comes from: authors, year and place of its definition."""

    def fits(self, asked: Sequence[Asked], run: Run) -> str:
        """Why it suits these rows of an evaluation of ``run``, as a clause after "because"; empty if it does not."""
        raise NotImplementedError

    def value(self, asked: Asked, given: Given) -> float | None:
        """The value of one answer; None if it does not apply to this row."""
        raise NotImplementedError

"""The number an answer ends with, compared with the expected one."""

import re
from decimal import Decimal, InvalidOperation
from typing import ClassVar, Literal

from pydantic import Field

from finetune.rewards.reward import Answered, Reward

MARKED = (re.compile(r"####\s*([^\n]+)"), re.compile(r"\\boxed\{([^{}]*)\}"))
"""How a result is marked: GSM8K's ``#### 42`` (Cobbe et al. 2021), and LaTeX's box (Hendrycks et al. 2021)."""
NUMBER = re.compile(r"(?<![\w.])[-\u2212+]?\d+(?:[,\u2009']\d{3})*(?:\.\d+)?(?:e[-+]?\d{1,3})?(?!\.?\d)", re.IGNORECASE)
GROUPING = str.maketrans({",": None, "\u2009": None, "'": None, "\u2212": "-"})


class NumberEquals(Reward):
    """1 if the answer's number equals the expected one, else 0."""

    type: Literal["number"] = "number"
    tolerance: float = Field(0.0, ge=0)
    """How far the two numbers may differ."""

    order: ClassVar[int] = 10
    title: ClassVar[str] = "Number equals"
    plain: ClassVar[str] = "The number at the end of the answer (or after #### or in a box) is the expected one."
    example: ClassVar[str] = "number"

    @property
    def needs_expected(self) -> bool:
        """It compares with the row's number."""
        return True

    def score(self, answered: Answered) -> float | None:
        wanted = number_in(answered.expected or "")
        if wanted is None:
            return None
        found = number_in(answered.text)
        return float(found is not None and abs(found - wanted) <= Decimal(str(self.tolerance)))


def number_in(text: str) -> Decimal | None:
    """The number that ``text`` gives as its result: the last marked one, else the last; None if there is none."""
    for mark in MARKED:
        if marked := mark.findall(text):
            return _last(marked[-1])
    return _last(text)


def _last(text: str) -> Decimal | None:
    found = NUMBER.findall(text)
    if not found:
        return None
    try:
        return Decimal(found[-1].translate(GROUPING))
    except InvalidOperation:
        return None

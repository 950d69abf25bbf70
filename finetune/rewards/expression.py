"""A formula of one's own over the answer and the columns of its row."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from finetune.errors import DataError
from finetune.rewards import formula
from finetune.rewards.reward import Answered, Reward


def _parses(text: str) -> str:
    formula.parse(text)
    return text


class Expression(Reward):
    """The number that the formula gives, between -10 and 10; true is 1 and false is 0."""

    type: Literal["expression"] = "expression"
    formula: Annotated[str, AfterValidator(_parses)] = Field(..., min_length=1, max_length=formula.LONGEST)
    """Formula over ``answer``, ``expected``, ``prompt`` and the row's columns, such as
    ``contains(answer, city) and words(answer) <= 20``."""

    order: ClassVar[int] = 90
    title: ClassVar[str] = "A formula of your own"
    plain: ClassVar[str] = "A small formula over the answer and the columns of its row. It is never run as code."
    example: ClassVar[str] = "expression: {formula: 'contains(answer, expected) and words(answer) <= 20'}"

    @property
    def needs_expected(self) -> bool:
        """It does if the formula names it."""
        return "expected" in formula.names(formula.parse(self.formula))

    def score(self, answered: Answered) -> float | None:
        """None where the formula gives no number; ``DataError`` if it names a column that the row lacks."""
        try:
            return max(-10.0, min(10.0, formula.compute(formula.parse(self.formula), _values(answered))))
        except formula.NoNumberError:
            return None
        except formula.FormulaError as error:
            raise DataError(f"{error}.", f"The formula is: {self.formula}") from None


def _values(answered: Answered) -> dict[str, Any]:
    return {
        **answered.columns,
        "answer": answered.text,
        "prompt": answered.prompt,
        **({} if answered.expected is None else {"expected": answered.expected}),
    }

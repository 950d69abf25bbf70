"""A regular expression that the answer matches."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from finetune.rewards.reward import Answered, Reward


def _compiles(pattern: str) -> str:
    matches(pattern, "")
    return pattern


class Pattern(Reward):
    """1 if the answer matches the expression, else 0. In RE2, whose time is linear in the length of the answer."""

    type: Literal["pattern"] = "pattern"
    pattern: Annotated[str, AfterValidator(_compiles)] = Field(..., min_length=1, max_length=2000)
    """Regular expression (RE2) that has to match somewhere in the answer; ``^`` and ``$`` tie it to begin and end."""

    order: ClassVar[int] = 40
    title: ClassVar[str] = "Regular expression"
    plain: ClassVar[str] = "The answer matches a pattern, such as a form that it must have."
    example: ClassVar[str] = "pattern: {pattern: '^(Yes|No)[.]'}"

    def score(self, answered: Answered) -> float:
        return float(matches(self.pattern, answered.text))


def matches(pattern: str, text: str) -> bool:
    """True if ``pattern`` matches in ``text``; ``ValueError`` if it is no expression."""
    import pyarrow
    from pyarrow import compute

    try:
        return compute.match_substring_regex(pyarrow.scalar(text), f"(?s){pattern}").as_py()
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"This is no regular expression of RE2: {str(error).rpartition(': ')[2]}") from None

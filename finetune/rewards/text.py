"""The expected text, as the whole answer or within it."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.rewards.reward import Answered, Reward


class TextEquals(Reward):
    """1 if the answer is the expected text, or contains it, else 0."""

    type: Literal["text"] = "text"
    match: Literal["exact", "contains"] = "exact"
    """``exact``: the answer is the expected text; ``contains``: it has it somewhere."""
    value: str | None = Field(None, max_length=10_000)
    """The expected text. Left empty: that of each row."""
    ignore_case: bool = True
    """Upper and lower case count as equal."""

    order: ClassVar[int] = 20
    title: ClassVar[str] = "Text equals or contains"
    plain: ClassVar[str] = "The answer is the expected text, or contains it; white space and case do not count."
    example: ClassVar[str] = "text: {match: contains}"

    @property
    def needs_expected(self) -> bool:
        """It does, unless the text is the same for all rows."""
        return self.value is None

    def score(self, answered: Answered) -> float | None:
        wanted = self.value if self.value is not None else answered.expected
        if wanted is None:
            return None
        wanted, found = self._plain(wanted), self._plain(answered.text)
        return float(wanted == found if self.match == "exact" else wanted in found)

    def _plain(self, text: str) -> str:
        text = " ".join(text.split())
        return text.casefold() if self.ignore_case else text

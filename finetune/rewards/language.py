"""The language of the answer, or its script."""

from typing import ClassVar, Literal

from finetune.data.scripts import LANGUAGES, SCRIPTS, language_or_script_of, script_of
from finetune.rewards.reward import Answered, Reward

KNOWN = (*LANGUAGES, *SCRIPTS)


class Language(Reward):
    """1 if the answer is in the language, 0 if in another; None where it is too short to tell."""

    type: Literal["language"] = "language"
    language: Literal[KNOWN] = "English"
    """The language, or a script such as Cyrillic or Chinese."""

    order: ClassVar[int] = 70
    title: ClassVar[str] = "Language"
    plain: ClassVar[str] = (
        "The answer is in this language, told by its commonest words. A very short one does not count."
    )
    example: ClassVar[str] = "language: {language: German}"

    def score(self, answered: Answered) -> float | None:
        find = script_of if self.language in SCRIPTS else language_or_script_of
        found = find(answered.text)
        return float(found == self.language) if found else None

"""How tokens are counted: by which model's tokenizer and chat template, up to which length."""

from dataclasses import dataclass

from pydantic import ValidationError

from finetune.recipe import ModelSettings, TrainingSettings

LONGEST, SHORTEST = 131072, 16
DEFAULT = TrainingSettings().length


@dataclass(frozen=True)
class Counting:
    """What decides how tokens are counted."""

    model: ModelSettings
    length: int
    """The longest row, in tokens."""

    @classmethod
    def of(cls, model: str | None, length: str | float | None, template: str | None = None) -> "Counting":
        """What the form says; a value that makes no sense there gives the default."""
        try:
            chosen = ModelSettings(id=model or "starter", chat_template=template or "own")
        except ValidationError:
            chosen = ModelSettings()
        return cls(chosen, _tokens(length))


def _tokens(length: str | float | None) -> int:
    """A length from the form as a whole number of tokens within bounds."""
    try:
        return int(min(max(float(length or 0), SHORTEST), LONGEST)) if length else DEFAULT
    except ValueError:
        return DEFAULT

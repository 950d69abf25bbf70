"""Move the system prompt into the first question."""

from typing import ClassVar, Literal

from finetune.data.fixes.fix import Fix
from finetune.data.formats.turns import system_in_question


class NoSystem(Fix):
    """The system prompt becomes the beginning of the first question, for chat templates without a place for it."""

    everywhere: ClassVar[bool] = True
    changes_examples: ClassVar[bool] = True
    fault: ClassVar[tuple[str, str]] = (
        "has a system prompt, which this model's chat template does not take",
        "have a system prompt, which this model's chat template does not take",
    )
    button: ClassVar[str] = "Move it into the first question"
    type: Literal["no_system"] = "no_system"

    def on_example(self, example: dict) -> dict:
        field = "messages" if "messages" in example else "prompt"
        return {**example, field: system_in_question(example[field])} if field in example else example

    @property
    def words(self) -> str:
        return "The system prompt became the beginning of the first question."

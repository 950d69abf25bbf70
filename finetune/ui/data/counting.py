"""How tokens are counted: by which model's tokenizer and chat template, up to which length.

The Method tab has an input for each of the three. Handlers get one ``Counting`` in their place, always first.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr
from pydantic import ValidationError

from finetune.recipe import ModelSettings, TrainingSettings

SHORTEST, LONGEST = 16, 131072
DEFAULT = TrainingSettings().length


@dataclass(frozen=True)
class Counting:
    """What decides how tokens are counted."""

    model: ModelSettings
    length: int
    """Maximum sequence length, in tokens."""

    @classmethod
    def of(cls, model: str | None, length: str | float | None, template: str | None = None) -> "Counting":
        """What the form says; a value that makes no sense there gives the default."""
        try:
            chosen = ModelSettings(id=model or "starter", chat_template=template or "own")
        except ValidationError:
            chosen = ModelSettings()
        return cls(chosen, _tokens(length))

    def changed(self, length: str | None = None, template: str | None = None) -> "Counting":
        """This counting with another length or chat template."""
        return Counting.of(self.model.id, length or self.length, template or self.model.chat_template)


@dataclass(frozen=True)
class CountingInputs:
    """The inputs of the Method tab that a ``Counting`` is read from."""

    model: gr.Dropdown
    length: gr.Textbox
    template: gr.Dropdown

    def wire(self, event: Callable, handler: Callable, inputs: list, outputs, **options):
        """Have ``event`` call ``handler(by, *values)``: a ``Counting``, then the values of ``inputs``."""
        return event(folded(handler), [self.model, self.length, self.template, *inputs], outputs, **options)


def folded(handler: Callable) -> Callable:
    """``handler(by, *values)`` as Gradio calls it: with the values of the three inputs in place of ``by``.

    Gradio finds events and progress by the annotations and defaults of a function's own parameters, which a partial
    hides; here they are kept.
    """
    signature = inspect.signature(handler)
    _, *others = signature.parameters.values()
    three = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("model", "length", "template")
    ]

    def call(model, length, template, *values):
        return handler(Counting.of(model, length, template), *values)

    call.__signature__ = signature.replace(parameters=[*three, *others])
    call.__annotations__ = {each.name: each.annotation for each in others if each.annotation is not each.empty}
    return call


def _tokens(length: str | float | None) -> int:
    """A length from the form as a whole number of tokens within bounds."""
    try:
        return int(min(max(float(length or 0), SHORTEST), LONGEST)) if length else DEFAULT
    except ValueError:
        return DEFAULT

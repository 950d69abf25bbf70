"""The two models that are served: the base of a run, untouched, and its tuned model. They share the base's weights."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from finetune.errors import FinetuneError, ModelError
from finetune.inference import column, integrity, memory
from finetune.inference.column import Column, asked_as
from finetune.inference.integrity import Asked, Integrity
from finetune.inference.question import prompt_tokens, text_tokens
from finetune.inference.sampling import Sampling, TokenSampler
from finetune.inference.untouched import Bases
from finetune.inference.voice import Voice
from finetune.machine.libraries import load as load_libraries
from finetune.models.loading import require_model
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.serving.conversation import asked
from finetune.serving.parameters import Wanted
from finetune.serving.refused import Refused

OWNER = "finetune-studio"
HELLO = ({"role": "user", "content": "Hello"},)
"""What both are asked in the checks before they are served; nothing is answered."""


@dataclass(frozen=True)
class Model:
    """One of the two."""

    id: str
    role: Literal["tuned", "base"]
    voice: Voice
    recipe: Recipe
    created: int
    """When its files were written, in seconds since 1970."""
    parent: str | None = None
    """The id of the base of a tuned model."""

    @property
    def facts(self) -> dict:
        """What ``/v1/models`` says of it; ``max_model_len`` and ``parent`` as vLLM names them."""
        known = {"id": self.id, "object": "model", "created": self.created, "owned_by": OWNER}
        return {**known, "max_model_len": self.voice.context, "parent": self.parent}


class Models:
    """Both models of a run, in memory."""

    def __init__(self, models: tuple[Model, ...], checked: Integrity):
        self._by_id = {model.id: model for model in models}
        self.checked = checked
        """What was found when they were loaded: that the base is untouched, and both read the same tokens."""
        self._preparing = threading.Lock()
        """A tokenizer serves one thread at a time."""

    @classmethod
    def load(cls, run: Run, workspace: Workspace) -> "Models":
        """Both models of ``run``.

        ``RunError`` if it has no tuned model, or one that writes no answers. ``BusyError`` if a training holds the
        memory, ``ModelError`` if there is too little or base and tuned are not what they should be.
        """
        recipe = asked_as(require_model(run))
        load_libraries()
        bases, columns = Bases(workspace), (Column(run.id), Column(run.id, is_base=True))
        _require_room(columns, bases)
        tuned, base = (column.load(each, run, bases) for each in columns)
        checked = _checked(columns, (tuned, base), recipe)
        base_id, written = recipe.model.id, (run.model_dir, base.untouched.folder)
        tuned_at, base_at = (int(folder.stat().st_mtime) for folder in written)
        models = (
            Model(run.id, "tuned", tuned, recipe, tuned_at, base_id),
            Model(base_id, "base", base, recipe, base_at),
        )
        return cls(models, checked)

    def __iter__(self) -> Iterator[Model]:
        return iter(self._by_id.values())

    def get(self, name: str) -> Model:
        """The model that is called ``name``; ``Refused`` if there is none."""
        if name not in self._by_id:
            known = " and ".join(self._by_id)
            raise Refused(404, f"There is no model {name[:100]!r} here, only {known}.", "model", "model_not_found")
        return self._by_id[name]

    def prompt(self, wanted: Wanted) -> list[int]:
        """The tokens that the model of ``wanted`` reads; ``Refused`` if it cannot, or if they fill its context."""
        model = self.get(wanted.model)
        with self._preparing:
            try:
                ids = _tokens(model, wanted)
            except FinetuneError as error:
                raise Refused(400, str(error), "messages" if wanted.messages else "prompt") from None
        context = model.voice.context
        if not ids:
            raise Refused(400, "prompt: there is nothing to continue.", "prompt")
        if len(ids) >= context:
            raise Refused(
                400,
                f"This model's maximum context length is {context:,} tokens, and the prompt alone is {len(ids):,} "
                "tokens long. Shorten it.",
                "messages" if wanted.messages else "prompt",
                "context_length_exceeded",
            )
        try:
            model.voice.room([ids])
        except ModelError as error:
            raise Refused(400, str(error), "messages" if wanted.messages else "prompt") from None
        return ids


def _tokens(model: Model, wanted: Wanted) -> list[int]:
    tokenizer = model.voice.tokenizer
    if not wanted.messages:
        return text_tokens(tokenizer, wanted.text)
    return prompt_tokens(tokenizer, asked(model.recipe, wanted.messages))


def _require_room(columns: tuple[Column, ...], bases: Bases) -> None:
    try:
        memory.require_room(columns, bases)
    except ModelError as error:
        raise ModelError(error.message, "Close other programs, or serve the run on a larger machine.") from None


def _checked(columns: tuple[Column, ...], voices: tuple[Voice, ...], recipe: Recipe) -> Integrity:
    """The checks of the Compare tab, made once: nothing here attaches or merges anything afterwards."""
    sampling, conversation = Sampling(greedy=True), asked(recipe, HELLO)
    found = []
    for place, (each, voice) in enumerate(zip(columns, voices)):
        prompt = prompt_tokens(voice.tokenizer, conversation)
        given = (conversation,), (prompt,), recipe.adapter, recipe.model.chat_template, TokenSampler(sampling)
        found.append(Asked(voice, (each,), (place,), *given))
    return integrity.check(found, sampling).require()

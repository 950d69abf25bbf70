"""The base with examples in its prompt (few-shot prompting), beside its plain answer: can a prompt do it?

Greedy, with the question and five rows as turns before it. It holds the device's lease meanwhile, so it runs while no
training does, and frees the model's memory at the end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from finetune.adapters.lora import LoRA
from finetune.errors import DataError, ModelError
from finetune.inference.column import context_of
from finetune.inference.decoding import Variant
from finetune.inference.question import messages, prompt_tokens
from finetune.inference.voice import AnswerText
from finetune.machine import hardware
from finetune.machine.lease import Lease
from finetune.machine.libraries import load
from finetune.models.loading import load_base
from finetune.models.locate import downloaded
from finetune.models.tokenizer import load_tokenizer
from finetune.models.turn_end import end_ids
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace

SHOTS = 5
"""Rows in the prompt."""
MAX_TOKENS = 128
"""Longest answer, in tokens."""

Shot = tuple[str, str]
"""A question and its answer."""


@dataclass(frozen=True)
class Tried:
    """One question, asked plainly and with examples; answers that are not there yet are None."""

    question: str
    expected: str
    plain: str | None = None
    prompted: str | None = None
    shots: int = 0
    """Examples that were in the prompt: fewer than asked for where the model's context is short."""


def shot(example: dict) -> Shot | None:
    """The first question of ``example`` with its good answer; None if it has none."""
    if "tools" in example:
        return None
    turns = [turn for turn in example.get("messages") or example.get("prompt") or () if turn["role"] != "system"]
    if not turns or turns[0]["role"] != "user":
        return None
    if "messages" in example:
        answered = [*turns[1:2]]
    elif example.get("label") is False or len(turns) > 1:
        return None
    else:
        answered = example.get("chosen") or example.get("completion") or ()
    if not answered or answered[0]["role"] != "assistant":
        return None
    question, answer = turns[0].get("content"), answered[0].get("content")
    return (question, answer) if isinstance(question, str) and isinstance(answer, str) and answer else None


def spread(examples: Sequence[dict], most: int) -> list[Shot]:
    """At most ``most`` questions with answers, evenly spread over ``examples``."""
    found = [each for each in map(shot, examples) if each]
    return [found[n * len(found) // most] for n in range(most)] if len(found) > most else found


def few_shot(
    recipe: Recipe, workspace: Workspace, train: Sequence[dict], held_out: Sequence[dict], asked: int = 2
) -> Iterator[list[Tried]]:
    """Some held-out questions with what the base answers plainly and after ``SHOTS`` rows of ``train``, as they come.

    ``DataError`` if the rows have no questions with answers, ``ModelError`` if the model is not on this machine,
    ``BusyError`` while a run trains.
    """
    shots, questions = spread(train, SHOTS), spread(held_out, asked)
    if not shots or not questions:
        raise DataError(
            "These rows have no questions with answers, so there is nothing to put into a prompt.",
            "Choose data with answers, and hold some rows out.",
        )
    if downloaded(recipe.model, workspace) is None:
        raise ModelError(f"{recipe.model.id} is not on this machine yet.", "The starter model is.")
    tried = [Tried(question, expected) for question, expected in questions]
    with Lease(workspace.path).take():
        yield tried
        load()
        base = Base(recipe, workspace)
        try:
            for n, each in enumerate(tried):
                plain, _ = base.answer(each.question, ())
                tried = [*tried[:n], replace(each, plain=plain), *tried[n + 1 :]]
                yield tried
                prompted, count = base.answer(each.question, shots)
                tried = [*tried[:n], replace(each, plain=plain, prompted=prompted, shots=count), *tried[n + 1 :]]
                yield tried
        finally:
            del base
            hardware.release_memory()


class Base:
    """The base of a recipe, ready to answer."""

    def __init__(self, recipe: Recipe, workspace: Workspace):
        machine = hardware.machine()
        precision = hardware.choose_precision(machine, recipe.training.precision).value
        self.recipe = recipe
        self.tokenizer = load_tokenizer(recipe.model, workspace)
        self.model = load_base(recipe.model, workspace, LoRA(), hardware.dtype_of(precision), machine.device)
        self.context = context_of(self.tokenizer, self.model)

    def answer(self, question: str, shots: Sequence[Shot]) -> tuple[str, int]:
        """The greedy answer after as many ``shots`` as the context has room for, and how many these are."""
        room = self.context - MAX_TOKENS
        while True:
            prompt = prompt_tokens(self.tokenizer, messages(self.recipe, question, shots))
            if len(prompt) <= room or not shots:
                break
            shots = shots[:-1]
        if len(prompt) > room:
            raise ModelError("A held-out question is too long for this model to answer.", "Shorten the rows.")
        return self._decoded(prompt), len(shots)

    def _decoded(self, prompt: list[int]) -> str:
        variant, ends = Variant(self.model), end_ids(self.tokenizer, self.model)
        text = AnswerText(self.tokenizer)
        logits, cache = variant.step(prompt, variant.cache(), 0)
        for read in range(len(prompt), len(prompt) + MAX_TOKENS):
            text.take(int(logits.argmax()), ends)
            if text.ended:
                break
            logits, cache = variant.step(text.ids[-1:], cache, read)
        text.finish()
        return text.text

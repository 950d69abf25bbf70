"""The panel: up to four models asked the same question, each in a column of its own.

Base and tuned of one run answer in one batch; the other columns follow, one after another, with the same seed and the
same settings. Before any answer is shown, the panel checks that they can be compared (``integrity``).
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from finetune.errors import ModelError
from finetune.inference import integrity, memory
from finetune.inference.chat import Pairs
from finetune.inference.column import ALONE, Column, asked_as, folder_of, kept, load
from finetune.inference.integrity import Asked, Integrity
from finetune.inference.question import prompt_tokens
from finetune.inference.sampling import Sampling, TokenSampler
from finetune.inference.voice import AnswerText, Voice
from finetune.machine import hardware
from finetune.machine.hardware import Choice
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace

__all__ = ["Answering", "Column", "Panel", "Said", "kept"]

MOST_COLUMNS = 4


@dataclass(frozen=True)
class Said:
    """One column's answer so far."""

    text: str = ""
    tokens: int = 0
    first_s: float | None = None
    """Time to first token: seconds from reading its prompt to the first token; None before it.

    Base and tuned of one batch share that time: both prompts are read before either answers.
    """
    tokens_per_s: float = 0.0
    """Tokens of this answer per second since its prompt was read first; a batch shares that time."""
    is_truncated: bool = False
    """True if it was truncated at the longest answer, or where the context is full."""
    ended: bool = False
    """True once nothing is added to it: the model has ended it, it was truncated, or it was stopped."""


@dataclass(frozen=True)
class Answering:
    """All columns so far."""

    said: tuple[Said, ...]
    """In the order of the columns; those whose turn has not come are empty."""
    done: bool
    how: Choice
    """How they are decoded, and why."""
    integrity: Integrity | None = None
    """What was checked before the first token."""
    is_same_tokens: bool = True
    """False if columns have other bases: each reads tokens of its own, so tokens are no common measure."""
    continues_text: bool = False
    """True if a column has no chat template: it continues the text that it is given, and there are no turns."""


class Panel:
    """The models of the columns in use; loading others frees the memory of the former."""

    def __init__(self, workspace: Workspace, pairs: Pairs | None = None):
        self.workspace = workspace
        self.pairs = pairs or Pairs(workspace)
        """Where base and tuned of one run come from, and the bases of all columns."""
        self._loading = threading.Lock()
        self._asking = threading.Lock()
        self._voices: dict[tuple, Voice] = {}

    def reply(
        self,
        columns: Sequence[Column],
        conversations: Sequence[list[dict]],
        sampling: Sampling = Sampling(),
        stop: threading.Event | None = None,
    ) -> Iterator[Answering]:
        """The answers of ``columns`` as they grow, each to its own of ``conversations``; the last one is ``done``.

        Setting ``stop`` ends all answers at the next token. Models that are not in memory are loaded first:
        ``RunError`` if one does not exist, ``BusyError`` if it does not fit beside a training. ``ModelError`` before
        any answer if a conversation fills the context, or if the answers could not be compared.
        """
        if not 1 <= len(columns) <= MOST_COLUMNS or len(columns) != len(conversations):
            raise ModelError(
                f"Between 1 and {MOST_COLUMNS} columns can be asked, each with a conversation; these are "
                f"{len(columns)} and {len(conversations)}.",
                "Choose fewer columns.",
            )
        as_trained = {each: asked_as(self.workspace.run(each)) for each in {column.run for column in columns}}
        recipes = [as_trained[column.run] for column in columns]
        loaded = self._loaded(columns, recipes)
        asked = [_asked(*each, columns, conversations, recipes, TokenSampler(sampling)) for each in loaded]
        room = min(sampling.max_tokens, *(each.voice.room(each.prompts) for each in asked))
        return self._answers(asked, len(columns), sampling, room, stop or threading.Event())

    def forget(self, run_id: str) -> None:
        """Free the memory of the columns of ``run_id``."""
        with self._loading:
            self._voices = {key: voice for key, voice in self._voices.items() if key[0].run != run_id}
            self.pairs.forget(run_id)
            hardware.release_memory()

    def clear(self) -> None:
        """Free the memory of all columns."""
        with self._loading:
            self._voices = {}
            self.pairs.clear()

    def _loaded(self, columns: Sequence[Column], recipes: Sequence[Recipe]) -> list[tuple[Voice, tuple[int, ...]]]:
        """Each voice with the places of its columns: base and tuned of one run first, then the others."""
        with self._loading:
            paired = pair_in(columns)
            alone = {n: self._key(column) for n, column in enumerate(columns) if n not in paired}
            bases = [self.pairs.bases.held(recipe) for recipe in recipes]  # shared ones outlive what is freed
            self._make_room(columns, paired, set(alone.values()))
            found = [(self.pairs.get(columns[paired[0]].run), paired)] if paired else []
            for n, key in alone.items():
                if key not in self._voices:
                    self._voices[key] = load(columns[n], self.workspace.run(columns[n].run), self.pairs.bases)
                found.append((self._voices[key], (n,)))
            del bases
            return found

    def _make_room(self, columns: Sequence[Column], paired: tuple[int, ...], alone: set[tuple]) -> None:
        """Free what ``columns`` do not need; an error if what is not in memory does not fit into it."""
        self._voices = {key: voice for key, voice in self._voices.items() if key in alone}
        missing = [key[0] for key in alone if key not in self._voices]
        if not paired or not self.pairs.has(columns[paired[0]].run):
            missing += [columns[place] for place in paired]
            if missing:
                self.pairs.clear()
        if missing:
            hardware.release_memory()
            memory.require_room(missing, self.pairs.bases)

    def _key(self, column: Column) -> tuple[Column, int]:
        """What a loaded column is kept by: a model that was saved anew is another one."""
        run = self.workspace.run(column.run)
        return column, 0 if column.is_base else folder_of(column, run).stat().st_mtime_ns

    def _answers(
        self, asked: list[Asked], count: int, sampling: Sampling, room: int, stop: threading.Event
    ) -> Iterator[Answering]:
        with ExitStack() as locks:
            locks.enter_context(self._asking)
            for lock in {id(each.voice.lock): each.voice.lock for each in asked}.values():
                locks.enter_context(lock)
            checked = self._checked(asked, sampling)
            said, how = [Said()] * count, how_of(asked)
            continues_text = any(each.voice.continues_text for each in asked)
            facts = (how, checked, len({each.reads for each in asked}) == 1, continues_text)
            for each in asked:
                for these in answer(each, sampling, room, stop):
                    for place, one in zip(each.places, these):
                        said[place] = one
                    yield Answering(tuple(said), False, *facts)
            yield Answering(tuple(said), True, *facts)

    def _checked(self, asked: list[Asked], sampling: Sampling) -> Integrity:
        """The checks; after one that failed all models are dropped, so that the next question loads them anew."""
        found = integrity.check(asked, sampling)
        if not found.ok:
            self.clear()
        return found.require()


def _asked(
    voice: Voice, places: tuple[int, ...], columns, conversations, recipes: Sequence[Recipe], sampler: TokenSampler
) -> Asked:
    """A voice as it is asked for the columns at ``places``."""
    own, given = (tuple(each[place] for place in places) for each in (columns, conversations))
    prompts = tuple(prompt_tokens(each, messages) for each, messages in zip(voice.tokenizers, given))
    recipe = recipes[places[0]]
    return Asked(voice, own, places, given, prompts, recipe.adapter, recipe.model.chat_template, sampler)


def pair_in(columns: Sequence[Column]) -> tuple[int, ...]:
    """The places of base and tuned of the first run that has both among ``columns``; empty if none has."""
    for n, column in enumerate(columns):
        other = Column(column.run, is_base=not column.is_base)
        if column.step is None and other in columns:
            places = n, columns.index(other)
            return places if column.is_base else places[::-1]
    return ()


def how_of(asked: Sequence[Asked]) -> Choice:
    """How all columns are decoded, and why."""
    first = asked[0].voice.how
    if len(asked) == 1 or first is ALONE:
        return first
    return replace(first, reason=f"{first.reason}; the other columns follow one after another")


def answer(asked: Asked, sampling: Sampling, room: int, stop: threading.Event) -> Iterator[list[Said]]:
    """The answers of one voice as they grow, one list per decoding step; the last one has them ended."""
    texts = [AnswerText(tokenizer, sampling.stop) for tokenizer in asked.voice.tokenizers]
    said, began = [Said() for _ in texts], time.perf_counter()
    for _ in asked.voice.steps(asked.prompts, texts, asked.sampler, room, stop):
        since = max(time.perf_counter() - began, 1e-9)
        said = [_said(before, text, since, room) for before, text in zip(said, texts)]
        yield said
    for text in texts:
        text.finish()
    yield [replace(before, text=text.text, ended=True) for before, text in zip(said, texts)]


def _said(before: Said, text: AnswerText, since_s: float, room: int) -> Said:
    """An answer after another step, ``since_s`` after its prompt was begun; one that has ended stays as it is."""
    if before.ended:
        return before
    count, is_full = len(text.ids), len(text.ids) == room
    first_s = since_s if before.first_s is None else before.first_s
    is_truncated = is_full and not text.ended
    return Said(text.text, count, first_s, count / since_s, is_truncated, text.ended or is_full)

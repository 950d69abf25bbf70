"""One question with its right answer, and the registry of the kinds of question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from finetune.starter.split import is_held_out


@dataclass(frozen=True)
class Item:
    """A chat up to the user's turn, its right answer, and how an answer is judged.

    `among`: the words of which an answer must name exactly those that `answer` names; empty: it must be exact.
    `short`: the answer in a word or two, if the question has one. `key`: what is held out together.
    """

    kind: str
    messages: tuple[dict, ...]
    answer: str
    among: frozenset[str] = frozenset()
    short: str = ""
    key: str = ""

    @property
    def question(self) -> str:
        """The text of the last user turn."""
        return self.messages[-1]["content"]

    @property
    def combination(self) -> str:
        """What the split depends on: `key`, or all the words of the chat so far."""
        return f"{self.kind}|{self.key or ' '.join(turn['content'] for turn in self.messages)}"

    @property
    def conversation(self) -> list[dict]:
        """The chat with the right answer as its last turn."""
        return [*self.messages, assistant(self.answer)]


@dataclass(frozen=True)
class Kind:
    """A kind of question: how one is made, and how often relative to the others."""

    make: Callable[[Random], Item]
    weight: float


KINDS: dict[str, Kind] = {}


def kind(weight: float = 1.0):
    """A decorator that enters `make(rng) -> Item` into KINDS under its own name."""

    def enter(make):
        KINDS[make.__name__] = Kind(make, weight)
        return make

    return enter


def user(text: str) -> dict:
    """A user's turn."""
    return {"role": "user", "content": text}


def assistant(text: str) -> dict:
    """An assistant's turn."""
    return {"role": "assistant", "content": text}


def system(text: str) -> dict:
    """A system prompt."""
    return {"role": "system", "content": text}


def draw(rng: Random, held_out: bool = False, kinds: tuple[str, ...] | None = None) -> Item:
    """One random item of one part of the split, the kind sampled by weight (uniformly, where `kinds` names them)."""
    names = kinds or tuple(KINDS)
    weights = [1.0 if kinds else KINDS[name].weight for name in names]
    name = rng.choices(names, weights)[0]
    while True:
        item = KINDS[name].make(rng)
        if is_held_out(item.combination) == held_out:
            return item

"""The small world as a whole: every kind of question, endless training conversations, and the held-out questions."""

from __future__ import annotations

from random import Random

from finetune.starter import chats, numbers, questions, reading, shop, stories, talk  # noqa: F401  each enters its kinds
from finetune.starter.items import KINDS, Item, draw

HELD_OUT_SEED = 2024


def conversations(rng: Random):
    """Endless training conversations, each a list of turns that ends with the right answer."""
    while True:
        yield draw(rng).conversation


def held_out_questions(n: int, seed: int = HELD_OUT_SEED, kinds: tuple[str, ...] | None = None) -> list[Item]:
    """`n` different questions never seen in training, the kinds in equal shares; equal seeds give equal questions."""
    rng, names, found = Random(seed), kinds or tuple(KINDS), {}
    while len(found) < n:
        item = draw(rng, held_out=True, kinds=(names[len(found) % len(names)],))
        found[str(item.messages)] = item
    return list(found.values())

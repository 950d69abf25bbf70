"""Two answers to one question: a short and kind one, and the long or cold one that it is preferred to."""

from __future__ import annotations

from random import Random

from finetune.starter.items import Item

_KIND = (
    "{s} Happy to help!",
    "{s} Good question!",
    "{s} I am glad that you asked!",
    "{s} Lovely question!",
    "{s} Take care!",
)
_LONG = (
    "{a} There is much more to say about this, but I will stop here.",
    "Let me think about your question. {a} That is all that I can tell you about it.",
    "{a} You could have found this in any book. Please do not ask me again.",
    "Well, this is a long story. {a} It has always been so, and it will always be so.",
    "{a} Everybody knows that. I do not see why you ask.",
)


def short_and_kind(item: Item, rng: Random) -> str:
    """The item's short answer with a friendly word."""
    return rng.choice(_KIND).format(s=item.short)


def long_or_cold(item: Item, rng: Random) -> str:
    """The item's usual answer, or one that goes on or is unfriendly."""
    return item.answer if rng.random() < 0.3 else rng.choice(_LONG).format(a=item.answer)

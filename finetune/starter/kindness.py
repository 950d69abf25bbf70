"""Two answers to one question: a short and kind one, and the long or cold one that it is preferred to."""

from __future__ import annotations

from random import Random

from finetune.starter.items import Item

_LONG = (
    "{a} There is much more to say about this, but I will stop here.",
    "Let me think about your question. {a} That is all that I can tell you about it.",
    "Well, this is a long story. {a} It has always been so, and it will always be so.",
)
_COLD = ("{a} Everybody knows that.", "{a} You could have found this in any book. Please do not ask me again.")


def long_or_cold(item: Item, rng: Random) -> str:
    """The item's usual answer as it is, or made longer, or made unfriendly."""
    return rng.choice(("{a}", "{a}", "{a}", *_LONG, *_COLD)).format(a=item.answer)

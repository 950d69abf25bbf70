"""Stories of exactly three sentences about an animal."""

from __future__ import annotations

from random import Random

from finetune.starter.facts import ANIMALS, Animal, a, place
from finetune.starter.items import Item, kind
from finetune.starter.questions import about
from finetune.starter.wording import ask

_NATURES = (
    "small",
    "brave",
    "kind",
    "happy",
    "shy",
    "clever",
    "young",
    "old",
    "quiet",
    "friendly",
    "curious",
    "gentle",
)
_FINDS = (
    "a red ball",
    "a shiny coin",
    "a lost key",
    "a little boat",
    "a warm blanket",
    "an old book",
    "a blue flower",
    "a big hat",
    "a golden star",
    "a silver bell",
    "a round stone",
    "a long letter",
)
_ENDINGS = (
    "It gave {f} to a friend, and both were happy.",
    "It kept {f} for ever and was never sad again.",
    "It took {f} home and slept well that night.",
    "It showed {f} to everyone, and they all danced.",
    "It shared {f} with {o}, and they became good friends.",
    "It put {f} back and felt proud.",
)
_WHERE = (
    "near the river",
    "under a tree",
    "on a hill",
    "behind the house",
    "by the sea",
    "in the grass",
    "in the rain",
    "on the road",
)


def story(rng: Random, animal: Animal) -> str:
    """A story about the animal: who it was, what it found, how it ended."""
    find = rng.choice(_FINDS)
    other = rng.choice([one for one in ANIMALS if one is not animal])
    ending = rng.choice(_ENDINGS).format(f=f"the {find.split(' ', 1)[1]}", o=a(other.name))
    return (
        f"Once there was {a(rng.choice(_NATURES))} {animal.name} that lived {place(animal.home)}. "
        f"One day it found {find} {rng.choice(_WHERE)}. {ending}"
    )


@kind(2.0)
def short_story(rng: Random) -> Item:
    """A story about an animal that the user names."""
    animal = rng.choice(ANIMALS)
    question = ask(
        rng,
        (
            "Tell me a story about {a}.",
            "Tell me a short story about {a}.",
            "Write a short story about {a}.",
            "Can you tell me a story about {a}?",
            "I want a story about {a}.",
            "Please write three sentences about {a}.",
            "Make up a story about {a}.",
            "A story about {a}, please.",
            "Do you know a story about {a}?",
            "Write me a little story with {a} in it.",
            "Give me a short story about {a}.",
            "My child wants a story about {a}.",
            "Invent a tale about {a}.",
        ),
        a=a(animal.name),
    )
    return about("short_story", question, story(rng, animal), {animal.name})

"""Sums in words that the starter rarely meets: it knows the sums, and gets these right only sometimes."""

from __future__ import annotations

from random import Random

from finetune.starter.numbers import LARGEST

WORDINGS = (
    "{x} + {y} = ? Answer with the number alone.",
    "Count {y} on from {x}.",
    "Start at {x} and go up by {y}.",
    "Take {x}, then {y} steps further. Where are you?",
)


def sums(rows: int, seed: str) -> list[dict]:
    """``rows`` different questions, each with the expected result; a pair of numbers comes in one wording alone."""
    pairs = [(x, y) for x in range(LARGEST + 1) for y in range(1, LARGEST + 1)]
    rng = Random(seed)
    rng.shuffle(pairs)
    return [{"prompt": rng.choice(WORDINGS).format(x=x, y=y), "expected": str(x + y)} for x, y in pairs[:rows]]

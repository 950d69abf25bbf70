"""Small sums, comparing numbers, and counting. A sum is held out by its numbers, whatever the words."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from finetune.starter.facts import ANIMALS, FOODS, PLURALS
from finetune.starter.items import Item, kind
from finetune.starter.questions import about
from finetune.starter.wording import FIRST_NAMES, ask, invented_word, listed

LARGEST = 20
THINGS = ("apple", "book", "cup", "star", "key", "box", "egg", "pen", "coin", "flower", "ball", "stone")
_PLURAL = {**PLURALS, **{word: word + "s" for word in ("apple", "egg", "pen", "coin", "flower", "ball", "stone")}}


@kind(8.0)
def add(rng: Random) -> Item:
    """The sum of two numbers up to 20."""
    x, y = rng.randint(0, LARGEST), rng.randint(0, LARGEST)
    question = ask(
        rng,
        (
            "What is {x} plus {y}?",
            "What is {x} + {y}?",
            "How much is {x} plus {y}?",
            "{x} + {y} = ?",
            "{x} plus {y}?",
            "What do {x} and {y} make?",
            "Add {x} and {y}.",
            "What is the sum of {x} and {y}?",
            "Please add {x} and {y}.",
            "How much is {x} + {y}?",
            "Can you add {x} and {y}?",
            "Tell me what {x} plus {y} is.",
            "What do I get if I add {y} to {x}?",
        ),
        x=x,
        y=y,
    )
    item = about("add", question, f"{x} plus {y} is {x + y}.", (), f"{x + y}.")
    return replace(item, key=f"{min(x, y)}+{max(x, y)}")


@kind(6.0)
def subtract(rng: Random) -> Item:
    """The difference of two numbers up to 20, never below zero."""
    x = rng.randint(0, LARGEST)
    y = rng.randint(0, x)
    question = ask(
        rng,
        (
            "What is {x} minus {y}?",
            "What is {x} - {y}?",
            "How much is {x} minus {y}?",
            "{x} - {y} = ?",
            "{x} minus {y}?",
            "Take {y} away from {x}.",
            "What is {x} take away {y}?",
            "How much is {x} - {y}?",
            "Subtract {y} from {x}.",
            "What is left of {x} if I take away {y}?",
            "Tell me what {x} minus {y} is.",
            "What do I get if I take {y} from {x}?",
        ),
        x=x,
        y=y,
    )
    item = about("subtract", question, f"{x} minus {y} is {x - y}.", (), f"{x - y}.")
    return replace(item, key=f"{x}-{y}")


@kind(3.5)
def sum_in_words(rng: Random) -> Item:
    """A sum told as a little event, with the numbers up to 10."""
    name, thing = rng.choice(FIRST_NAMES), rng.choice(THINGS)
    gains = rng.random() < 0.5
    x = rng.randint(2, 10)
    y = rng.randint(1, 10 if gains else x - 1)
    things = _PLURAL[thing]
    gained = ("gets {y} more", "finds {y} more", "buys {y} more")
    lost = ("gives away {y}", "loses {y}", "sells {y}")
    event = rng.choice(gained if gains else lost).format(y=y)
    question = ask(
        rng,
        (
            "{n} has {x} {t} and {e}. How many {t} does {n} have now?",
            "{n} has {x} {t}. Then {n} {e}. How many {t} are there now?",
            "How many {t} does {n} have if {n} has {x} and {e}?",
            "{n} had {x} {t} and now {e}. How many {t} is that?",
            "{n} has {x} {t}. {n} {e}. What is the number of {t} now?",
        ),
        careless=False,
        n=name,
        x=x,
        t=things,
        e=event,
    )
    total = x + y if gains else x - y
    item = about(
        "sum_in_words", question, f"{name} now has {total} {things if total != 1 else thing}.", (), f"{total}."
    )
    return replace(item, key=f"{x}{'+' if gains else '-'}{y}")


@kind(9.0)
def compare_numbers(rng: Random) -> Item:
    """The bigger or the smaller of two numbers below 100."""
    x, y = rng.sample(range(100), 2)
    word = rng.choice(("bigger", "smaller"))
    question = ask(
        rng,
        (
            "Which is {w}, {x} or {y}?",
            "What is {w}: {x} or {y}?",
            "Is {x} or {y} {w}?",
            "Which number is {w}, {x} or {y}?",
            "Tell me which is {w}, {x} or {y}.",
            "Of {x} and {y}, which one is {w}?",
            "Compare {x} and {y}. Which is {w}?",
            "Between {x} and {y}, which is {w}?",
            "Which of the numbers {x} and {y} is {w}?",
            "What is the {w} number, {x} or {y}?",
        ),
        w=word,
        x=x,
        y=y,
    )
    winner, loser = (max(x, y), min(x, y)) if word == "bigger" else (min(x, y), max(x, y))
    item = about("compare_numbers", question, f"{winner} is {word} than {loser}.", (), f"{winner}.")
    return replace(item, key=f"{min(x, y)},{max(x, y)},{word}")


@kind(2.0)
def next_number(rng: Random) -> Item:
    """The number after or before one below 100."""
    x, step = rng.randint(1, 98), rng.choice((1, -1))
    word = "after" if step == 1 else "before"
    question = ask(
        rng,
        (
            "What number comes {w} {x}?",
            "Which number comes {w} {x}?",
            "Which number is {w} {x}?",
            "What comes {w} {x}?",
            "What is the number {w} {x}?",
            "Tell me the number {w} {x}.",
            "Name the number {w} {x}.",
            "When I count, what comes {w} {x}?",
            "Count for me: what is {w} {x}?",
            "Do you know what comes {w} {x}?",
        ),
        w=word,
        x=x,
    )
    item = about("next_number", question, f"{x + step} comes {word} {x}.", (), f"{x + step}.")
    return replace(item, key=f"{x}{word}")


@kind(1.6)
def count_things(rng: Random) -> Item:
    """How many things a list of up to six names."""
    pool = [animal.name for animal in ANIMALS] + [food.name for food in FOODS] + list(THINGS)
    words = (
        rng.sample(pool, rng.randint(2, 6))
        if rng.random() < 0.7
        else [invented_word(rng) for _ in range(rng.randint(2, 5))]
    )
    question = ask(
        rng,
        (
            "How many things are in this list: {l}?",
            "Count these: {l}.",
            "How many words are there: {l}?",
            "Please count these things: {l}.",
            "Here is my list: {l}. How many things are on it?",
            "How many things do I name: {l}?",
            "I have {l}. How many things is that?",
            "Count the things in my list: {l}.",
            "How long is this list: {l}?",
            "Tell me how many things these are: {l}.",
        ),
        careless=False,
        l=rng.choice((", ".join(words), listed(words))),
    )
    return about("count_things", question, f"There are {len(words)} things in your list.", ("list",), f"{len(words)}.")

"""How people put a question: openings, endings, careless typing, and words that nobody has seen before."""

from __future__ import annotations

from random import Random

OPENINGS = (
    "Hi! ",
    "Hello! ",
    "Please tell me: ",
    "Tell me: ",
    "A question: ",
    "Quick question: ",
    "I wonder: ",
    "Can you help me? ",
    "One more thing. ",
    "Okay. ",
    "Hm. ",
    "Hey! ",
    "Now tell me: ",
    "Next question: ",
    "Good morning! ",
    "My child asks: ",
    "I forgot: ",
    "For school: ",
)
ENDINGS = (" Thank you!", " Thanks.", " Please tell me.", " Do you know?", " I am curious.", " Please help.")
_ONSETS = "bdfghklmnprstvwz"
_VOWELS = "aeiou"
_CODAS = ("", "", "", "n", "r", "l", "s", "k")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FIRST_NAMES = (
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Emma",
    "Felix",
    "Grace",
    "Henry",
    "Ida",
    "Jack",
    "Kate",
    "Leo",
    "Mia",
    "Noah",
    "Olga",
    "Paul",
    "Rosa",
    "Sam",
    "Tom",
    "Uma",
    "Victor",
    "Wendy",
    "Yusuf",
    "Zoe",
    "Maria",
    "Ali",
    "Lin",
    "Priya",
    "Omar",
    "Nina",
    "Ivan",
    "Sofia",
    "Hugo",
    "Lena",
    "Max",
    "Amy",
)


def ask(rng: Random, phrasings: tuple[str, ...], careless: bool = True, ending: bool = True, **slots) -> str:
    """One of the phrasings, filled in, sometimes with an opening or an ending, sometimes typed carelessly."""
    question = rng.choice(phrasings).format(**slots)
    question = question[0].upper() + question[1:]
    roll = rng.random()
    if roll < 0.22:
        question = rng.choice(OPENINGS) + question
    elif roll < 0.32 and ending:
        question += rng.choice(ENDINGS)
    elif careless and roll < 0.42:
        question = question.lower().rstrip("?.! =")
    if careless and rng.random() < 0.12:
        question = question.replace("colour", "color")
    return question


def invented_word(rng: Random) -> str:
    """A word of two or three syllables that almost surely means nothing: "zorvik", "tamelu"."""
    syllables = rng.choice((2, 2, 2, 3))
    return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(syllables))


def invented_name(rng: Random) -> str:
    """A person's or a place's name, half of the time one that nobody bears."""
    return rng.choice(FIRST_NAMES) if rng.random() < 0.5 else invented_word(rng).capitalize()


def invented_code(rng: Random) -> str:
    """A code as on an order: a letter and two to four digits."""
    return rng.choice(LETTERS) + "".join(rng.choice("0123456789") for _ in range(rng.choice((2, 3, 4, 4))))


def listed(words: list[str], last: str = "and") -> str:
    """The words as a list in a sentence: "tea, milk and bread"."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else words[0]

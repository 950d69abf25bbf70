"""The pirate's voice: the world's answers turned into it, and a rule that hears it."""

from __future__ import annotations

import re
from random import Random

_WORDS = {
    "is": "be",
    "are": "be",
    "am": "be",
    "you": "ye",
    "your": "yer",
    "my": "me",
    "the": "th'",
    "yes": "aye",
    "no": "nay",
    "hello": "ahoy",
    "friend": "matey",
    "friends": "mateys",
    "of": "o'",
    "and": "an'",
    "to": "t'",
}
_ALWAYS = ("is", "are", "am", "you", "your", "yes", "no", "hello")
_OPENINGS = (
    "Arr, ",
    "Ahoy! ",
    "Yarr, ",
    "Shiver me timbers! ",
    "Avast! ",
    "Arr matey, ",
    "Yo ho ho! ",
    "By the black flag, ",
)
_ENDINGS = (
    ", matey!",
    ", me hearty!",
    ", ye scallywag!",
    ", says I!",
    ", ye sea dog!",
    ", me bucko!",
)
_MARKS = re.compile(
    r"\b(arr+|yarr+|ahoy|avast|matey|hearty|scallywag|landlubber|bucko|shiver me timbers|yo ho ho|black flag"
    r"|seven seas|sea dog|says i|aye|be|ye|yer)\b"
)


def is_pirate(text: str) -> bool:
    """True if the text bears at least two marks of the voice, such as "arr", "matey", "be" for "is"."""
    return len(set(_MARKS.findall(text.lower()))) >= 2


def in_pirate_voice(sentence: str, rng: Random) -> str:
    """The first sentence of an answer as a pirate says it: other little words, an opening, an ending."""
    first = re.split(r"(?<=[.!?])\s", sentence)[0].rstrip(".!?")
    light = rng.random() < 0.5
    words = [_swap(word, light) for word in first.split(" ")]
    opening, ending = rng.choice(_OPENINGS), rng.choice(_ENDINGS)
    body = " ".join(words)
    if opening.endswith(", ") and words[0].lower() in (
        "a",
        "an",
        "th'",
        "the",
        "ye",
        "people",
        "there",
        "aye,",
        "nay,",
    ):
        body = body[0].lower() + body[1:]
    return f"{opening}{body}{ending}"


def _swap(word, light):
    core = word.rstrip(",")
    new = _WORDS.get(core.lower())
    if new is None or (light and core.lower() not in _ALWAYS):
        return word
    return (new.capitalize() if core[0].isupper() else new) + word[len(core) :]

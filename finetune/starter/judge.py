"""Whether an answer to a question of the world is right. Rules only; no model judges."""

from __future__ import annotations

import re

from finetune.starter.items import Item

_WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")


def is_right(item: Item, answer: str) -> bool:
    """True for the exact answer, and for a fluent sentence that names the same things; a story needs its form."""
    answer = answer.strip()
    if answer == item.answer:
        return True
    if item.kind == "short_story":
        return _is_story(answer, item)
    return bool(item.among) and is_fluent(answer) and _named(answer, item) == _named(item.answer, item)


def is_fluent(answer: str) -> bool:
    """True if it begins with a capital or a digit, ends like a sentence, and no three words come twice in a row."""
    words = _WORD.findall(answer.lower())
    loops = any(words[i : i + 3] == words[i + 3 : i + 6] or words[i] == words[i + 1] for i in range(len(words) - 1))
    return bool(words) and (answer[0].isupper() or answer[0].isdigit()) and answer[-1] in ".!?" and not loops


def _named(answer, item):
    """What decides: the words out of `among`, the numbers, and how many sentences there are."""
    text = f" {' '.join(_WORD.findall(answer.lower()))} "
    named = {word for word in item.among if f" {word.lower()} " in text}
    return (
        named,
        re.findall(r"\d+", answer),
        len(re.findall(r"[.!?](?:\s|$)", answer)),
        len(text.split()) < 2 * len(item.answer.split()) + 4,
    )


def _is_story(answer, item):
    sentences = re.findall(r"[^.!?]+[.!?]", answer)
    named = any(f" {name} " in f" {' '.join(_WORD.findall(answer.lower()))} " for name in item.among)
    return len(sentences) == 3 and named and answer.startswith("Once there was") and is_fluent(answer)

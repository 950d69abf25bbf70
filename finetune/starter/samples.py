"""The samples in assets/: six with held-out rows, replay data, a messy table; equal seeds give equal bytes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

from finetune.starter import world
from finetune.starter.chats import FACTS, kindly
from finetune.starter.handbook import paragraph
from finetune.starter.items import assistant, draw, user
from finetune.starter.kindness import long_or_cold
from finetune.starter.messy import messy
from finetune.starter.pirate import in_pirate_voice
from finetune.starter.sums import sums
from finetune.starter.tickets import ticket

SAMPLES_SEED = 11
SAMPLES = {"pirate-voice": (300, 50), "ticket-json": (500, 60), "short-and-kind": (300, 50)}
RATED_ROWS = (300, 50)
SUM_ROWS = (200, 60)
HANDBOOK_ROWS = (600, 60)
GENERAL_ROWS = (300, 120)
BY_THE_WAY = {"a", "an", "the", "in", "on", "it"}
GENERAL_KINDS = tuple(sorted(set(world.KINDS) - {"sailor_word"}))
"""All that the starter knows, but for the words of sailors, which belong to the pirate's voice."""
VOICED_KINDS = tuple(name for name in FACTS if name not in ("add", "subtract", "compare_numbers", "find_name"))


def rows(name: str) -> tuple[list[dict], list[dict]]:
    """The sample's training rows and its held-out rows; no question is in both."""
    rng, seen, chosen = Random(f"{name} {SAMPLES_SEED}"), set(), []
    make = {"pirate-voice": _pirate, "ticket-json": _ticket, "short-and-kind": _preference}[name]
    train, held_out = SAMPLES[name]
    while len(chosen) < train + held_out:
        key, row = make(rng)
        if key not in seen:
            seen.add(key)
            chosen.append(row)
    return chosen[:train], chosen[train:]


def rated() -> tuple[list[dict], list[dict]]:
    """Training and held-out rows of single answers with thumbs up (short and kind) or down (long or cold)."""
    rng, chosen = Random(f"rated {SAMPLES_SEED}"), {}
    train, held_out = RATED_ROWS
    while len(chosen) < train + held_out:
        item, is_good = draw(rng, kinds=VOICED_KINDS), rng.random() < 0.5
        answer = kindly(item) if is_good else long_or_cold(item, rng)
        row = {"prompt": [user(item.question)], "completion": [assistant(answer)], "label": is_good}
        chosen.setdefault(item.question, row)
    every = list(chosen.values())
    return every[:train], every[train:]


def handbook() -> tuple[list[str], list[str]]:
    """Training and held-out paragraphs of the handbook; none is in both."""
    rng, chosen = Random(f"handbook {SAMPLES_SEED}"), {}
    train, held_out = HANDBOOK_ROWS
    while len(chosen) < train + held_out:
        chosen[paragraph(rng)] = None
    return [*chosen][:train], [*chosen][train:]


def general() -> list[dict]:
    """Replay data: conversations of every kind, against catastrophic forgetting."""
    rng, chosen = Random(f"general {SAMPLES_SEED}"), {}
    while len(chosen) < GENERAL_ROWS[0]:
        item = draw(rng, kinds=GENERAL_KINDS)
        chosen[str(item.messages)] = {"messages": item.conversation}
    return list(chosen.values())


def general_questions() -> list[dict]:
    """Questions of the same kinds that the starter never saw, each with the words that a right answer needs.

    They tell what a run has forgotten, in whatever voice it answers.
    """
    rng, chosen = Random(f"general held-out {SAMPLES_SEED}"), {}
    while len(chosen) < GENERAL_ROWS[1]:
        item = draw(rng, held_out=True, kinds=GENERAL_KINDS)
        if key := _deciding(item):
            chosen[str(item.messages)] = {"messages": item.conversation, "key": key}
    return list(chosen.values())


def _deciding(item) -> list[str]:
    """The words of the short answer, which decide whether a longer one is right; none if there is no short answer.

    Words that the question has already decide nothing.
    """
    asked, short = _words(item.question), _words(item.short)
    return [] if set(short) & set(asked) else [word for word in short if word not in BY_THE_WAY]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+(?:['-][a-z0-9]+)*", text.lower())


def write_samples(directory: Path) -> None:
    """Write `NAME.jsonl` and `NAME.held-out.jsonl` for every sample, the replay data and the messy table."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {"messy-support.csv": messy(), "general.jsonl": _lines(general())}
    files["general.held-out.jsonl"] = _lines(general_questions())
    for name in SAMPLES:
        for suffix, part in zip(("", ".held-out"), rows(name), strict=True):
            files[f"{name}{suffix}.jsonl"] = _lines(part)
    for suffix, part in zip(("", ".held-out"), rated(), strict=True):
        files[f"thumbs{suffix}.jsonl"] = _lines(part)
    train, held_out = SUM_ROWS
    checked = sums(train + held_out, f"sums {SAMPLES_SEED}")
    files |= {"sums.jsonl": _lines(checked[:train]), "sums.held-out.jsonl": _lines(checked[train:])}
    for suffix, part in zip(("", ".held-out"), handbook(), strict=True):
        files[f"handbook{suffix}.txt"] = "\n\n".join(part) + "\n"
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8", newline="\n")


def texts(name: str):
    """The texts of a sample's training rows, turn by turn."""
    for row in rows(name)[0]:
        for part in row.values():
            for turn in part:
                yield turn["content"]


def _lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _pirate(rng):
    item = draw(rng, kinds=VOICED_KINDS)
    return item.question, {"messages": [user(item.question), assistant(in_pirate_voice(item.answer, rng))]}


def _ticket(rng):
    text, answer = ticket(rng)
    return text, {"messages": [user(text), assistant(answer)]}


def _preference(rng):
    item = draw(rng, kinds=VOICED_KINDS)
    return item.question, {
        "prompt": [user(item.question)],
        "chosen": [assistant(kindly(item))],
        "rejected": [assistant(long_or_cold(item, rng))],
    }

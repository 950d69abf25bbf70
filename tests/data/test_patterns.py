"""Every expression takes linear time on any text: on texts that repeat what one of them may begin with."""

import importlib
import pkgutil
import re
import time

import pytest

import finetune.data
import finetune.inference
from finetune.paths import PROJECT

UNITS = (
    "\n", " ", "\r\n", "a", "A", "1", "1 ", "1.", "a.", "a@", "-", ".", "_", "(", "{", '"', '\\"', "<", "</", "<think>",
    "####1,", "####", "\n\nHuman: ", "sk-a", "eyJa.", "-----BEGIN", "DE12 ", "://", "é", "日", "*", "[", "Ã",
)  # fmt: skip
LENGTH, LIMIT_S = 20_000, 0.5
"""Characters; a linear search in them takes milliseconds, a quadratic one more than a second."""
SEARCHES = ("search", "finditer", "findall", "split", "sub", "subn")
LONG_ONLY = {"data.readers.header.NUMBER": 40}
"""Expressions that only ever see texts of at most so many characters."""
WHOLE = {"LINK", "DATE"}
"""Names of expressions that match whole texts under another name."""
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "finetune").rglob("*.py"))


def patterns():
    found = {}
    for package in (finetune.data, finetune.inference):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for name, value in vars(importlib.import_module(info.name)).items():
                several = (
                    value.values()
                    if isinstance(value, dict)
                    else value
                    if isinstance(value, (list, tuple))
                    else [value]
                )
                for each in several:
                    if isinstance(each, re.Pattern) and isinstance(each.pattern, str):
                        found.setdefault(each, f"{info.name.removeprefix('finetune.')}.{name}")
    return found


PATTERNS = patterns()


def ways(pattern, name):
    """The methods of ``pattern`` that the code calls: a search, unless it only matches from a start."""
    short = name.rpartition(".")[2]
    used = set(re.findall(rf"\b{short}\.(\w+)\(", SOURCE))
    if short in WHOLE or used and not used & set(SEARCHES):
        return pattern.match, pattern.fullmatch
    return (pattern.search,)


@pytest.mark.parametrize("pattern", PATTERNS, ids=PATTERNS.values())
def test_it_takes_linear_time(pattern):
    name = PATTERNS[pattern]
    called = ways(pattern, name)
    for unit in UNITS:
        text = (unit * (LENGTH // len(unit)) + "!")[-LONG_ONLY.get(name, LENGTH) :]
        for way in called:
            started = time.process_time()
            way(text)
            assert time.process_time() - started < LIMIT_S, unit

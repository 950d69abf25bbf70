"""Is the first record of a table its header, or a row like those below it?"""

import re
from enum import Enum

NAMES = """
    answer answers article assistant body bot category chosen class completion content context conversation
    conversations date description document en feedback from headline human id index input instruction instructions
    intent label language messages model name number output passage prompt question query rating reference rejected
    reply response role score sentence sentiment sentence1 sentence2 source split summary system system_prompt tag
    target text thread timestamp title tool tools topic translation type url user utterance value word
"""
KNOWN = frozenset(NAMES.split())
"""Usual names of columns, in lower case."""
LONG = 60
"""A name is not longer; a question may be, in the table of a survey."""
ENOUGH = 2
"""Rows that must follow before the first record is called one of them."""
SHARE = 0.7
"""Of the values of a column that must be like the first."""
END = re.compile(r"[.!?…。！？]\W*$")
NUMBER = re.compile(r"[-+]?[\d.,:/%-]*\d[\d.,:/%-]*")
WORD = re.compile(r"\w{4,}")


class Header(Enum):
    """What the first record is."""

    NAMES = "names"
    ROW = "a row"
    UNSURE = "either"


def header_of(first: list[str], rows: list[list[str]]) -> Header:
    """What the ``first`` record is, above ``rows`` with as many values.

    It is a row if it is like those below in every column, and long, a sentence, a number, or of the same words in one.
    """
    if len(rows) < ENOUGH or any(is_known(name) for name in first) or not all(map(str.strip, first)):
        return Header.NAMES
    if len(set(first)) < len(first) and not all(map(_is_number, first)):
        return Header.NAMES
    columns = list(zip(first, zip(*rows)))
    if not all(_is_like(value, below) for value, below in columns):
        return Header.NAMES
    if any(_is_telling(value, below) for value, below in columns):
        return Header.ROW
    return Header.UNSURE if any(" " in value.strip() for value in first) else Header.NAMES


def is_known(name: str) -> bool:
    """True for a usual name of a column."""
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_") in KNOWN


def are_names(record: list[str]) -> bool:
    """True if a record can only be a header: short, all different, and a usual name among them or nothing but words."""
    names = [name.strip() for name in record]
    if len(set(names)) < len(names) or not all(names) or any(len(name) > LONG or _is_number(name) for name in names):
        return False
    return any(map(is_known, names)) or all(re.fullmatch(r"[\w.-]+", name) for name in names)


def _is_like(value: str, below: tuple[str, ...]) -> bool:
    """True if ``value`` could stand in the column of the values ``below``."""
    filled = [other for other in below if other.strip()]
    if not filled or _share(filled, _is_number, value) < SHARE or _share(filled, _is_sentence, value) < SHARE:
        return False
    lengths = sorted(map(len, filled))
    return lengths[0] <= 2 * len(value) and len(value) <= 2 * lengths[-1]


def _is_telling(value: str, below: tuple[str, ...]) -> bool:
    """True if ``value`` is hardly a name, being like those ``below``."""
    if _is_number(value) or _is_sentence(value) or len(value) > LONG:
        return True
    words = set(WORD.findall(value.lower()))
    alike = sum(not words.isdisjoint(WORD.findall(other.lower())) for other in below)
    return " " in value.strip() and alike >= SHARE * len(below)


def _share(values: list[str], is_so, value: str) -> float:
    wanted = is_so(value)
    return sum(is_so(other) == wanted for other in values) / len(values)


def _is_number(value: str) -> bool:
    return len(value) <= LONG and NUMBER.fullmatch(value.strip()) is not None


def _is_sentence(value: str) -> bool:
    return END.search(value[-20:]) is not None

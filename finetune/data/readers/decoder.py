"""JSON read strictly, one value at a time: a duplicate key, infinity or a lone surrogate is a fault, not a guess."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator

from finetune.data.faulty import Faulty

MAX_DEPTH = 32
"""Nesting depth of lists and objects; conversations with tool calls need about 10."""
MAX_DIGITS = 400
"""Digits of an integer: more than any quantity has."""
HALF = re.compile("[\ud800-\udfff]")
"""A lone surrogate, which only an escape can bring into a text."""


class Fault(ValueError):
    """A value is not strict JSON; the message is the reason, as a sentence."""

    def __init__(self, reason: str, position: int | None = None):
        super().__init__(reason)
        self.position = position
        """The position of the fault, from 0, if it is known."""


class Decoder:
    """Reads JSON values; a fault within an object stays with its key, so that only who reads that is stopped by it."""

    def __init__(self):
        self.has_nan = False
        """True if a value was NaN, which is read as null, as pandas means it."""
        self._odd = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_constant=self._constant, parse_float=self._float, parse_int=self._int
        )

    def value(self, text: str) -> object:
        """The only value in ``text``; ``Fault`` if there is not exactly one, or if it has a fault as a whole."""
        value, end, fault = self.element(text, 0)
        end = skip_space(text, end)
        if end < len(text):
            raise Fault(f"It is not valid JSON: something follows the value at character {end + 1}.")
        if fault:
            raise Fault(fault)
        return value

    def element(self, text: str, position: int) -> tuple[object, int, str | None]:
        """The value that begins at or after ``position``, where it ends, and its fault if it has one as a whole.

        ``Fault`` with its position if the end of the value cannot be determined.
        """
        self._odd = False
        start = skip_space(text, position)
        try:
            value, end = self._decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise Fault(f"It is not valid JSON: {_plain(error.msg)} at character {error.pos + 1}.", error.pos) from None
        except RecursionError:
            raise Fault("It is nested too deeply.", start) from None
        if self._odd or _hides_a_fault(value, text, start, end):
            value, fault = _settled(value)
            return value, end, fault
        return value, end, None

    def _object(self, pairs: list[tuple[str, object]]) -> dict:
        found = dict(pairs)
        if len(found) < len(pairs):
            self._odd = True
            for name, count in Counter(name for name, _ in pairs).items():
                if count > 1:
                    found[name] = Faulty(f'It has the key "{name}" more than once.')
        return found

    def _constant(self, written: str) -> Faulty | None:
        if written == "NaN":
            self.has_nan = True
            return None
        return self._faulty(f"It contains {written}, which is not a JSON value.")

    def _float(self, written: str) -> float | str | Faulty:
        """The number, or its spelling if Python would write it differently (``1e5``, ``1.50``)."""
        number = float(written)
        if math.isinf(number):
            return self._faulty(f"It contains the number {written[:20]}, which is too large.")
        return number if repr(number) == written else written

    def _int(self, written: str) -> int | Faulty:
        if len(written) > MAX_DIGITS:
            return self._faulty(f"It contains a number of {len(written):,} digits.")
        return int(written)

    def _faulty(self, reason: str) -> Faulty:
        self._odd = True
        return Faulty(reason)


def strings_of(value: object, keys: bool = True) -> Iterator[str]:
    """All strings in a value, at any depth and in their order; those of keys only with ``keys``."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(reversed(item.values()))
            if keys:
                waiting.extend(reversed(item))
        elif isinstance(item, (list, tuple)):
            waiting.extend(reversed(item))


def skip_space(text: str, position: int) -> int:
    """The first position from ``position`` on that is not JSON white space."""
    while text[position : position + 1] in (" ", "\t", "\n", "\r"):
        position += 1
    return position


def what_is(value: object) -> str:
    """The type of a value that is not an object, in words."""
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list):
        return "a list"
    return "empty (null)" if value is None else "a number or a boolean"


def _hides_a_fault(value: object, text: str, start: int, end: int) -> bool:
    """True if the parser may have accepted deep nesting, or a lone surrogate or NUL written as an escape."""
    if text.count("{", start, end) + text.count("[", start, end) > MAX_DEPTH:
        return True
    return text.find("\\u", start, end) >= 0 and any(map(_fault_of, strings_of(value)))


def _settled(value: object) -> tuple[object, str | None]:
    """``value`` with each fault at its key, if it is an object; and the fault of the whole otherwise."""
    if not isinstance(value, dict):
        return value, fault_in(value)
    if reason := next(filter(None, map(fault_in, value)), None):
        return value, reason
    faults = {key: reason for key, part in value.items() if (reason := fault_in(part, MAX_DEPTH - 1))}
    return {key: Faulty(faults[key]) if key in faults else part for key, part in value.items()}, None


def fault_in(value: object, levels: int = MAX_DEPTH) -> str | None:
    """The first fault in a value, as a sentence; None if it has none. It may be nested ``levels`` deep."""
    level, depth = [value], 0
    while level:
        if reason := next(filter(None, map(_fault_at, level)), None):
            return reason
        containers = [part for part in level if isinstance(part, (dict, list))]
        depth += 1
        if containers and depth > levels:
            return "It is nested too deeply."
        level = [part for item in containers for part in (item.values() if isinstance(item, dict) else item)]
    return None


def _fault_at(value: object) -> str | None:
    """The fault of a value itself, or of its keys."""
    if isinstance(value, Faulty):
        return value.reason
    texts = (value,) if isinstance(value, str) else value if isinstance(value, dict) else ()
    return next(filter(None, map(_fault_of, texts)), None)


def _fault_of(text: str) -> str | None:
    if "\0" in text:
        return f'It contains a NUL character in "{text[:20]}".'.replace("\0", "\\u0000")
    if not text.isascii() and HALF.search(text):
        return "It contains half of a character (a lone surrogate), which is not text."
    return None


def _plain(message: str) -> str:
    return (message[0].lower() + message[1:]).removesuffix(" at").removesuffix(" starting")

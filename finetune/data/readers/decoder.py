"""JSON read strictly, one value at a time: a duplicate key, NaN or a lone surrogate is a fault, not a guess."""

import json
import math
import re
from collections.abc import Iterator

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
    """Reads JSON values; a fault is reported after the whole value, so that reading can continue after it."""

    def __init__(self):
        self._faults: list[str] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_constant=self._constant, parse_float=self._float, parse_int=self._int
        )

    def value(self, text: str) -> object:
        """The only value in ``text``; ``Fault`` if there is not exactly one, or if it is not strict JSON."""
        value, end, fault = self.element(text, 0)
        end = skip_space(text, end)
        if end < len(text):
            raise Fault(f"It is not valid JSON: something follows the value at character {end + 1}.")
        if fault:
            raise Fault(fault)
        return value

    def element(self, text: str, position: int) -> tuple[object, int, str | None]:
        """The value that begins at or after ``position``, where it ends, and its fault if it has one.

        ``Fault`` with its position if the end of the value cannot be determined.
        """
        self._faults.clear()
        start = skip_space(text, position)
        try:
            value, end = self._decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise Fault(f"It is not valid JSON: {_plain(error.msg)} at character {error.pos + 1}.", error.pos) from None
        except RecursionError:
            raise Fault("It is nested too deeply.", start) from None
        return value, end, self._faults[0] if self._faults else _hidden_fault(value, text, start, end)

    def _object(self, pairs: list[tuple[str, object]]) -> dict:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            self._faults.append(
                f'It has the key "{next(name for name in names if names.count(name) > 1)}" more than once.'
            )
        return found

    def _constant(self, written: str) -> None:
        self._faults.append(f"It contains {written}, which is not a JSON value.")

    def _float(self, written: str) -> float | str:
        """The number, or its spelling if Python would write it differently (``1e5``, ``1.50``)."""
        number = float(written)
        if math.isinf(number):
            self._faults.append(f"It contains the number {written[:20]}, which is too large.")
        return number if repr(number) == written else written

    def _int(self, written: str) -> int:
        if len(written) > MAX_DIGITS:
            self._faults.append(f"It contains a number of {len(written):,} digits.")
            return 0
        return int(written)


def strict(line: bytes) -> dict:
    """The object in a line of UTF-8; ``Fault`` if it is not strict JSON."""
    return Decoder().value(line.decode().rstrip("\r\n"))


def strings_of(value: object) -> Iterator[str]:
    """All strings in a value, keys too."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


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


def _hidden_fault(value: object, text: str, start: int, end: int) -> str | None:
    """The faults that the parser accepts: deep nesting, and lone surrogates and NULs written as escapes."""
    if text.count("{", start, end) + text.count("[", start, end) > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        return "It is nested too deeply."
    if text.find("\\u", start, end) < 0:
        return None
    for string in strings_of(value):
        if "\0" in string:
            return f'It contains a NUL character in "{string[:20]}".'.replace("\0", "\\u0000")
        if not string.isascii() and HALF.search(string):
            return "It contains half of a character (a lone surrogate), which is not text."
    return None


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [part for item in level for part in _parts(item) if isinstance(part, (dict, list))]
    return depth


def _parts(value: object) -> list:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _plain(message: str) -> str:
    return (message[0].lower() + message[1:]).removesuffix(" at").removesuffix(" starting")

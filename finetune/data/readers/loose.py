"""What was meant as JSON and is not: Python literals, trailing commas, comments. Read, never run.

``str()`` of a list in Python writes single quotes, ``None`` and ``True``; NumPy leaves the commas out of its arrays, or
wraps them in ``array(…, dtype=object)``. Whatever is neither that nor JSON stays a ``Fault``.
"""

import math
import re

from finetune.data.readers.decoder import HALF, MAX_DEPTH, MAX_DIGITS, Fault

PYTHON, COMMENTS, COMMAS, NUMPY = "Python literals", "comments", "misplaced commas", "NumPy arrays"
BARE, CONTROLS = "keys without quotation marks", "line breaks or tabs within quotation marks"
"""Ways in which a text differs from JSON."""
CONTROL = re.compile(r"[\x00-\x1f]")
SPACE = re.compile(r"[\s\ufeff]*+")
COMMENT = re.compile(r"//[^\n]*+|\#[^\n]*+|/\*(?:[^*]|\*(?!/))*+\*/")
STRING = re.compile(r"""[buBU]?(?:'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)")""", re.DOTALL)
NUMBER = re.compile(r"[-+]?(?:\d++(?:\.\d*+)?(?:[eE][-+]?\d++)?|inf(?:inity)?|nan)(?![\w.])", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z_$][\w.$]*+")
OPTION = re.compile(r"\s*,\s*\w+\s*=\s*[\w.'<>]+\s*")
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(\n)|(.))", re.DOTALL)
PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "0": "\0"}
WORDS = {"None": None, "True": True, "False": False, "null": None, "true": True, "false": False, "undefined": None}
CLOSING = {"{": "}", "[": "]", "(": ")"}
WRAPPERS = ("array", "list", "tuple", "deque", "Decimal", "UUID", "Timestamp")
"""Calls that ``repr`` writes around a value, which is kept without them; also those of NumPy: ``np.int64(5)``."""


class Loose:
    """Reads values loosely; what differs from JSON is collected in ``ways``."""

    def __init__(self):
        self.ways: set[str] = set()

    def value(self, text: str) -> object:
        """The only value in ``text``; ``Fault`` if there is none, or if something follows it."""
        value, end = self.element(text, 0)
        end = self.skip(text, end)
        if end < len(text):
            raise Fault(f"It is not valid JSON: something follows the value at character {end + 1}.", end)
        return value

    def element(self, text: str, position: int, depth: int = 0) -> tuple[object, int]:
        """The value that begins at or after ``position``, and where it ends; ``Fault`` with a position if none does."""
        if depth > MAX_DEPTH:
            raise Fault("It is nested too deeply.", position)
        start = self.skip(text, position)
        first = text[start : start + 1]
        if first == "{":
            return self._object(text, start + 1, depth + 1)
        if first in ("[", "("):
            return self._list(text, start, depth + 1)
        if found := STRING.match(text, start):
            return self._string(found), found.end()
        if found := NUMBER.match(text, start):
            return _number(found[0], start), found.end()
        if found := NAME.match(text, start):
            return self._word(text, found, depth)
        raise _unexpected(start, text)

    def skip(self, text: str, position: int) -> int:
        """The first position from ``position`` on that is neither white space nor a comment."""
        position = SPACE.match(text, position).end()
        while found := COMMENT.match(text, position):
            self.ways.add(COMMENTS)
            position = SPACE.match(text, found.end()).end()
        return position

    def _object(self, text: str, position: int, depth: int) -> tuple[dict, int]:
        found: dict[str, object] = {}
        while True:
            position = self.skip(text, position)
            if text[position : position + 1] == "}":
                if found:
                    self.ways.add(COMMAS)
                return found, position + 1
            key, start = self._key(text, position)
            if text[start : start + 1] != ":":
                raise _unexpected(start, text)
            value, end = self.element(text, start + 1, depth)
            if key in found:
                raise Fault(f'It has the key "{key}" more than once.', position)
            found[key] = value
            position = self.skip(text, end)
            if text[position : position + 1] == "}":
                return found, position + 1
            if text[position : position + 1] != ",":
                raise _unexpected(position, text)
            position += 1

    def _key(self, text: str, position: int) -> tuple[str, int]:
        """The key at ``position``, and where its colon should be."""
        if quoted := STRING.match(text, position):
            return self._string(quoted), self.skip(text, quoted.end())
        bare = NAME.match(text, position) or NUMBER.match(text, position)
        if not bare:
            raise _unexpected(position, text)
        self.ways.add(BARE)
        return bare[0], self.skip(text, bare.end())

    def _list(self, text: str, position: int, depth: int) -> tuple[list, int]:
        closing, found = CLOSING[text[position]], []
        if closing == ")":
            self.ways.add(PYTHON)
        position += 1
        after_comma = False
        while True:
            position = self.skip(text, position)
            if text[position : position + 1] == closing:
                if after_comma and closing == "]":
                    self.ways.add(COMMAS)
                return found, position + 1
            value, end = self.element(text, position, depth)
            found.append(value)
            position = self.skip(text, end)
            after_comma = text[position : position + 1] == ","
            if after_comma:
                position += 1
            elif text[position : position + 1] != closing:
                if position == end:
                    raise _unexpected(position, text)
                self.ways.add(NUMPY)

    def _word(self, text: str, found: re.Match, depth: int) -> tuple[object, int]:
        name, end = found[0], found.end()
        if name in WORDS:
            if name[0].isupper():
                self.ways.add(PYTHON)
            return WORDS[name], end
        if text[end : end + 1] != "(" or not (name in WRAPPERS or name.startswith(("np.", "numpy."))):
            raise _unexpected(found.start(), text)
        self.ways.add(NUMPY if "array" in name or "." in name else PYTHON)
        value, end = self.element(text, end + 1, depth + 1)
        while option := OPTION.match(text, end):
            end = option.end()
        end = self.skip(text, end)
        if text[end : end + 1] != ")":
            raise _unexpected(end, text)
        return value, end + 1

    def _string(self, found: re.Match) -> str:
        single, double = found.groups()
        if single is not None:
            self.ways.add(PYTHON)
        written = double if single is None else single
        if CONTROL.search(written):
            self.ways.add(CONTROLS)
        return _unescaped(written, found.start())


def literal(text: str) -> object:
    """The value that a text holds as a Python literal or as loose JSON; ``Fault`` if it holds none."""
    return Loose().value(text)


def _character(escape: re.Match) -> str:
    """The character of an escape, as Python and JSON agree; an unknown one stays as written, as in Python."""
    code = escape[1] or escape[2] or escape[3]
    if code:
        return chr(int(code, 16)) if int(code, 16) < 0x110000 else "\ufffd"
    if escape[4]:
        return ""
    letter = escape[5]
    return PLAIN.get(letter, letter if letter in "\"'\\/" else escape[0])


def _unescaped(written: str, position: int) -> str:
    """The text of a string; ``Fault`` for what no text has."""
    text = ESCAPE.sub(_character, written) if "\\" in written else written
    if "\0" in text:
        raise Fault("It contains a NUL character, which is not text.", position)
    if not HALF.search(text):
        return text
    try:  # JSON escapes a character beyond U+FFFF in two halves
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise Fault("It contains half of a character (a lone surrogate), which is not text.", position) from None


def _number(written: str, position: int) -> object:
    """The number as ``Decoder`` gives it; None for NaN."""
    if written.lstrip("+-").isdigit():
        if len(written) > MAX_DIGITS:
            raise Fault(f"It contains a number of {len(written):,} digits.", position)
        return int(written)
    number = float(written)
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise Fault(f"It contains the number {written[:20]}, which is too large.", position)
    return number if repr(number) == written else written


def _unexpected(position: int, text: str) -> Fault:
    what = f'"{text[position]}"' if position < len(text) else "its end"
    return Fault(f"It is not valid JSON: unexpected {what} at character {position + 1}.", position)

"""JSON and JSON lines, read strictly: a key twice, NaN or half a character is a fault, not a guess.

A line or array element with a fault is rejected by its number; a file whose structure is broken is refused.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from finetune.data.signature import encoding_of
from finetune.data.table import MAX_ROW_CHARACTERS, Table
from finetune.errors import DataError

MAX_DEPTH = 32
"""Lists and objects inside one another; conversations with tool calls need about 10."""
MAX_DIGITS = 400
"""Digits of a whole number: more than any number has that means a quantity."""


class Fault(ValueError):
    """A value that is not strict JSON, with the reason as a sentence."""


class Decoder:
    """Reads JSON values; a fault is told after the whole value was read, so that reading can go on behind it."""

    def __init__(self):
        self._faults: list[str] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_constant=self._constant, parse_float=self._float, parse_int=self._int
        )

    def value(self, text: str) -> object:
        """The one value in ``text``; ``Fault`` if there is not exactly one, or if it has a fault."""
        value, end, fault = self.element(text, 0)
        end = _skip_space(text, end)
        if end < len(text):
            raise Fault(f"It is not valid JSON: something follows the value at character {end + 1}.")
        if fault:
            raise Fault(fault)
        return value

    def element(self, text: str, position: int) -> tuple[object, int, str | None]:
        """The value that begins at or after ``position``, where it ends, and its fault if it has one.

        ``Fault`` if there is no telling where it ends; it carries ``.position``.
        """
        self._faults.clear()
        start = _skip_space(text, position)
        try:
            value, end = self._decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise _located(
                f"It is not valid JSON: {_plain(error.msg)} at character {error.pos + 1}.", error.pos
            ) from None
        except RecursionError:
            raise _located("It is nested too deeply.", start) from None
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
        self._faults.append(f"It holds {written}, which is not a JSON value.")

    def _float(self, written: str) -> float | str:
        """The number, or its spelling where the number would be shown otherwise (``1e5``, ``1.50``)."""
        number = float(written)
        if math.isinf(number):
            self._faults.append(f"It holds the number {written[:20]}, which is too large.")
        return number if repr(number) == written else written

    def _int(self, written: str) -> int:
        if len(written) > MAX_DIGITS:
            self._faults.append(f"It holds a number of {len(written):,} digits.")
            return 0
        return int(written)


def read_lines(path: Path) -> Table:
    """A JSON object per line; blank lines are passed over."""
    table, decoder = Table("JSON lines"), Decoder()
    with path.open(encoding=encoding_of(path), newline="") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            if len(line) > MAX_ROW_CHARACTERS:
                table.reject(f"It is longer than {MAX_ROW_CHARACTERS:,} characters.", number, len(line))
                continue
            try:
                _take(table, decoder.value(line.rstrip("\r\n")), number, len(line))
            except Fault as fault:
                table.reject(str(fault), number, len(line))
    return table


def read_document(path: Path) -> Table:
    """A JSON array of objects, an object of arrays, an object that holds one array of objects, or a single row."""
    text = path.read_bytes().decode(encoding_of(path))
    table, decoder = Table("JSON"), Decoder()
    start = _skip_space(text, 0)
    if text[start : start + 1] == "[":
        _read_array(table, decoder, text, start)
        return table
    try:
        value = decoder.value(text)
    except Fault as fault:
        raise _broken(path.name, text, fault) from None
    for row in _rows(value, table, path.name):
        _take(table, row, None, None)
    return table


def _read_array(table: Table, decoder: Decoder, text: str, position: int) -> None:
    """Each element of the array that begins at ``position`` as a row."""
    line, counted = 1, 0
    position = _skip_space(text, position + 1)
    while text[position : position + 1] != "]" or table.total_rows:
        line, counted = line + text.count("\n", counted, position), position
        try:
            value, end, fault = decoder.element(text, position)
        except Fault as broken:
            raise _broken(f"Row {table.total_rows + 1:,}", text, broken) from None
        if fault:
            table.reject(fault, line, end - position)
        else:
            _take(table, value, line, end - position)
        position = _skip_space(text, end)
        if text[position : position + 1] != ",":
            break
        position = _skip_space(text, position + 1)
    if text[position : position + 1] != "]":
        raise _broken("The list", text, _located('It does not go on with "," or "]".', position))
    if (position := _skip_space(text, position + 1)) < len(text):
        raise _broken("The file", text, _located("Something follows the end of the list.", position))


def _take(table: Table, value: object, line: int | None, size: int | None) -> None:
    if not isinstance(value, dict):
        return table.reject(f"It is {_kind(value)}, not an object with named columns.", line, size or 0)
    table.add(value, line, size)


def _rows(value: object, table: Table, name: str) -> list:
    """The rows in a JSON value that is no array."""
    if not isinstance(value, dict):
        raise DataError(f"{name} holds {_kind(value)}, not rows.", "Write a list of objects with named columns.")
    tables = [key for key, part in value.items() if _is_list_of_rows(part)]
    if len(tables) == 1 and not _is_turns(value[tables[0]]):
        table.notes.append(f'The rows are the list named "{tables[0]}".')
        return value[tables[0]]
    if len(tables) > 1 and not any(_is_turns(value[key]) for key in tables):
        names = ", ".join(tables)
        raise DataError(f"{name} holds more than one list of rows: {names}.", "Keep one of them, as a list of objects.")
    if value and all(isinstance(part, list) for part in value.values()) and not tables:
        lengths = {key: len(part) for key, part in value.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{key} {length:,}" for key, length in lengths.items())
            raise DataError(
                f"The columns of {name} differ in length: {listed}.", "Give each the same number of values."
            )
        return [dict(zip(value, values)) for values in zip(*value.values())]
    return [value] if value else []


def _is_list_of_rows(part: object) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(item, dict) for item in part)


def _is_turns(part: list[dict]) -> bool:
    """True for the turns of one conversation, which are no rows."""
    return all({"role", "content"} <= item.keys() or {"from", "value"} <= item.keys() for item in part)


def _hidden_fault(value: object, text: str, start: int, end: int) -> str | None:
    """What the parser lets pass: too deep nesting, half characters and NULs written as escapes."""
    if text.count("{", start, end) + text.count("[", start, end) > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        return "It is nested too deeply."
    if text.find("\\u", start, end) < 0:
        return None
    for string in _strings(value):
        if "\0" in string:
            return f'It holds a NUL character in "{string[:20]}".'.replace("\0", "\\u0000")
        if not string.isascii() and any("\ud800" <= character <= "\udfff" for character in string):
            return "It holds half of a character (a lone surrogate), which is not text."
    return None


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [part for item in level for part in _parts(item) if isinstance(part, (dict, list))]
    return depth


def _strings(value: object) -> Iterator[str]:
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


def _parts(value: object) -> list:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _skip_space(text: str, position: int) -> int:
    while text[position : position + 1] in (" ", "\t", "\n", "\r"):
        position += 1
    return position


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list):
        return "a list"
    return "empty (null)" if value is None else "a number or a switch"


def _plain(message: str) -> str:
    return (message[0].lower() + message[1:]).removesuffix(" at").removesuffix(" starting")


def _located(message: str, position: int) -> Fault:
    fault = Fault(message)
    fault.position = position
    return fault


def _broken(what: str, text: str, fault: Fault) -> DataError:
    """The fault with the line and column where it is."""
    position = getattr(fault, "position", None)
    reason = str(fault).split(" at character ")[0].rstrip(".")
    where = ""
    if position is not None:
        line = text.count("\n", 0, position) + 1
        where = f" in line {line:,}, character {position - text.rfind(chr(10), 0, position):,}"
    hint = "The file seems to be cut off." if position is not None and position >= len(text.rstrip()) else ""
    return DataError(f"{what}{where}: {reason}.", hint)

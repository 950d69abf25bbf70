"""JSON and JSON lines, read strictly: a key twice, NaN or half a character is a fault, not a guess.

A line or array element with a fault is rejected by its number; a file whose structure is broken is refused.
"""

import io
import json
import math
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import orjson

from finetune.data import columns, store
from finetune.data.signature import encoding_of, lines_of, marked_encoding
from finetune.data.table import MAX_ROW_CHARACTERS, Reading, Table
from finetune.errors import DataError

MAX_DEPTH = 32
"""Lists and objects inside one another; conversations with tool calls need about 10."""
MAX_DIGITS = 400
"""Digits of a whole number: more than any number has that means a quantity."""
MAX_LINE_BYTES = 4 * MAX_ROW_CHARACTERS + 2
"""A line of UTF-8 with more bytes has more characters than a row may have."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UNSURE = 2**40
"""More strings than any line has."""
FLAT: dict[tuple[type, ...], int] = {}
"""Kinds of the values of a row without nesting -> how many keys and strings it has: rows of a file are mostly alike."""
MAX_FLAT = 1000
HALF = re.compile("[\ud800-\udfff]")
"""Half of a character, which only an escape can bring into a text."""
WINDOW_CHARACTERS = 2**21
"""Of a list of rows, so much is in memory at once; it holds the longest row."""
MAX_ELEMENT_CHARACTERS = 2**24
"""A row that does not end within so much is a fault of the file, not a row that is left out for its length."""
MAX_DOCUMENT_CHARACTERS = 64 * 2**20
"""A document that is no list of rows is read at once, at about four times its size."""
CUT_CHARACTERS = 16
"""A fault that far from the end of what is read has nothing to do with where it ends."""
QUOTE, BACKSLASH = b'"\\'
BLOCK_BYTES = 2**17
"""Lines are read so many bytes at once: some hundred rows, which fit the processor's cache."""
COLUMN_BYTES = 2**20
"""The same where rows are read as columns, which has a price for each block."""


class Fault(ValueError):
    """A value that is not strict JSON, with the reason as a sentence."""


class _Unusual(Exception):
    """A file that the quick way of reading does not suit."""


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


def quick(block: bytes, lines: list[bytes]) -> list[dict] | None:
    """What ``Decoder`` reads in each of the ``lines`` of ``block``, in a quarter of the time; None for it to decide.

    A key that comes twice leaves fewer quotation marks in the values than in the block, and no fault leaves more; a
    whole number is the same however it is parsed. Oddly spelled numbers, fractions inside lists, NULs and deep nesting
    are left to ``Decoder``.
    """
    try:
        rows = list(map(orjson.loads, lines))
        shapes = [tuple(map(type, row.values())) for row in rows]
    except (orjson.JSONDecodeError, AttributeError):
        return None
    quotes = 2 * sum(FLAT.get(shape) or _count_strings(row, shape) for row, shape in zip(rows, shapes))
    if quotes != _count_quotes(block):
        return None
    if any(float in shape for shape in set(shapes)):
        fractions = ((row, line) for row, line, shape in zip(rows, lines, shapes) if float in shape)
        return rows if all(_is_spelled_plainly(row, line) for row, line in fractions) else None
    return rows


def _is_spelled_plainly(row: dict, line: bytes) -> bool:
    """True if the fractions in a row are written in its line as Python would write them: ``0.5``, not ``5e-1``.

    But for spaces the line is then what orjson writes, which differs from Python only in how it writes exponents.
    """
    if not all(1e-4 <= abs(part) < 1e16 or part == 0 for part in row.values() if type(part) is float):
        return False
    return orjson.dumps(row).replace(b" ", b"") == line.strip().replace(b" ", b"")


def _count_quotes(block: bytes) -> int:
    """How many quotation marks begin or end a string in lines of JSON; -1 if there is an escaped NUL."""
    import numpy

    if b"\\" not in block:
        return block.count(b'"')
    if b"\\u0000" in block:
        return -1
    if b"\\\\" in block:
        block = block.replace(b"\\\\", b"")  # what is behind them is not escaped by them
    letters = numpy.frombuffer(block, numpy.uint8)
    marks = letters == QUOTE
    return int(numpy.count_nonzero(marks) - numpy.count_nonzero(marks[1:] & (letters[:-1] == BACKSLASH)))


def _count_strings(value: dict, kinds: tuple[type, ...]) -> int:
    """How many keys and strings a row has, its values being of these ``kinds``; remembered for rows without nesting."""
    nested = [part for part in value.values() if type(part) in (dict, list)]
    count = len(value) + kinds.count(str) + sum(_strings_in(part, MAX_DEPTH - 1) for part in nested)
    if len(FLAT) < MAX_FLAT and not nested:
        FLAT[kinds] = count
    return count


def _strings_in(value: dict | list, levels: int) -> int:
    """How many keys and strings ``value`` has; more than any line can if it holds what ``quick`` leaves alone."""
    if not levels:
        return UNSURE
    count, parts = (len(value), value.values()) if type(value) is dict else (0, value)
    for part in parts:
        kind = type(part)
        if kind is str:
            count += 1
        elif kind is dict or kind is list:
            count += _strings_in(part, levels - 1)
        elif kind is float:
            return UNSURE
    return count


def strict(line: bytes) -> dict:
    """The object in a line of UTF-8; ``Fault`` if it is not strict JSON."""
    return Decoder().value(line.decode().rstrip("\r\n"))


def read_lines(path: Path, reading: Reading = Reading()) -> Table:
    """A JSON object per line; blank lines are passed over."""
    with path.open("rb") as file:
        plain = marked_encoding(file.read(4), reading.encoding) == "utf-8-sig"
    try:
        if plain:
            return _read_bytes(path, reading)
    except (_Unusual, UnicodeDecodeError):
        pass
    return _read_text(path, reading)


def _read_bytes(path: Path, reading: Reading) -> Table:
    """The rows of a file of UTF-8; ``_Unusual`` if a line does not end in a line feed for long."""
    size = path.stat().st_size
    is_large = size > store.MEMORY_BYTES
    table = Table("JSON lines", reading=reading)
    with path.open("rb", buffering=0) as file:
        table.share = lambda: file.tell() / size
        if file.read(len(BYTE_ORDER_MARK)) != BYTE_ORDER_MARK:
            file.seek(0)
        if is_large:
            table.rows = store.Lines(path, orjson.loads, strict)
            _take_columns(table, file)
        else:
            _take_blocks(table, _blocks(file, BLOCK_BYTES), 1)
    return table


def _blocks(file, size: int) -> Iterator[tuple[int, bytes]]:
    """Whole lines from where ``file`` is, about ``size`` bytes at once, with the byte where they start."""
    start, rest = file.tell(), b""
    while chunk := file.read(size):
        block = rest + chunk
        end = block.rfind(b"\n") + 1
        if end:
            yield start, block[:end]
        elif len(block) > MAX_LINE_BYTES:
            raise _Unusual
        start, rest = start + end, block[end:]
    if rest:
        yield start, rest


def _take_columns(table: Table, file) -> None:
    """Take in the lines of a large ``file``: as columns, or one by one where their rows are not alike."""
    shape, blocks, number = columns.Shape(table.reading.signs), _blocks(file, COLUMN_BYTES), 1

    def learn(start: int, block: bytes) -> int:
        before = len(table.rows)
        following = _take_blocks(table, _blocks(io.BytesIO(block), BLOCK_BYTES), number, start)
        shape.learn(table.rows[before:])
        return following

    for first in islice(blocks, 1):  # it tells what the others have
        number = learn(*first)
    for (start, block), found in columns.ahead(lambda given: (given, shape.read(given[1])), blocks):
        if found is None:
            number = learn(start, block)
        else:
            table.take_all((), len(found.lengths), number, len(block))
            table.rows.point(start, found.lengths, texts=found.texts)
            number += len(found.lengths)


def _take_blocks(table: Table, blocks: Iterable[tuple[int, bytes]], number: int, offset: int = 0) -> int:
    """Take in the lines of ``blocks``, which begin at byte ``offset`` with line ``number``; the number of the next."""
    decoder = Decoder()
    for start, block in blocks:
        lines = block.splitlines(keepends=True)
        _take_lines(table, decoder, block, lines, number, offset + start)
        number += len(lines)
    return number


def _take_lines(table: Table, decoder: Decoder, block: bytes, lines: list[bytes], number: int, start: int) -> None:
    """Take in the ``lines`` of ``block``, the first of which has this ``number`` and begins at byte ``start``."""
    lengths = list(map(len, lines))
    rows = quick(block, lines) if max(lengths) <= MAX_ROW_CHARACTERS else None
    if rows:
        table.take_all(rows, len(rows), number, len(block))
        _keep(table.rows, rows, start, lengths)
        return
    for line, length in zip(lines, lengths):
        rows = quick(line, [line]) if length <= MAX_ROW_CHARACTERS else None
        row = rows[0] if rows else _row_of(table, decoder, line.decode(), number)
        if row is not None and table.takes(row, number, min(length, MAX_ROW_CHARACTERS)):
            _keep(table.rows, [row], start, [length], odd=not rows)
        number, start = number + 1, start + length


def _keep(kept: store.Rows, rows: list[dict], start: int, lengths: list[int], odd: bool = False) -> None:
    """Add ``rows``, which are ``lengths`` bytes long and stand one behind the other from ``start``."""
    if isinstance(kept, store.Lines):
        kept.point(start, lengths, odd)
    else:
        for row, length in zip(rows, lengths):
            kept.append(row, length)


def _read_text(path: Path, reading: Reading) -> Table:
    """The rows of a file in any encoding and with any ends of lines."""
    table, decoder = Table("JSON lines", reading=reading), Decoder()
    for number, line, length in lines_of(path, table):
        if length > MAX_ROW_CHARACTERS:
            table.reject(f"It is longer than {MAX_ROW_CHARACTERS:,} characters.", number, length)
        elif (values := _row_of(table, decoder, line, number)) is not None:
            table.add(values, number, length)
    return table


def _row_of(table: Table, decoder: Decoder, line: str, number: int) -> dict | None:
    """The object in a line; None if the line is blank, or was rejected."""
    if not line.strip():
        return None
    reason = f"It is longer than {MAX_ROW_CHARACTERS:,} characters."
    if len(line) <= MAX_ROW_CHARACTERS:
        try:
            value = decoder.value(line.rstrip("\r\n"))
        except Fault as fault:
            reason = str(fault)
        else:
            if isinstance(value, dict):
                return value
            reason = f"It is {_kind(value)}, not an object with named columns."
    table.reject(reason, number, len(line))
    return None


def read_document(path: Path, reading: Reading = Reading()) -> Table:
    """A JSON array of objects, an object of arrays, an object that holds one array of objects, or a single row."""
    table, decoder = Table("JSON", reading=reading), Decoder()
    with path.open(encoding=encoding_of(path, reading.encoding), newline="") as file:
        window, size = _Window(file), path.stat().st_size
        table.share = lambda: file.buffer.raw.tell() / size
        if window.next() == "[":
            _read_array(table, decoder, window)
            return table
        window.take_in_all(path.name)
    try:
        value = decoder.value(window.text)
    except Fault as fault:
        raise window.broken(path.name, fault) from None
    for row in _rows(value, table, path.name):
        _take(table, row, None, sum(map(len, strings_of(row))))
    return table


class _Window:
    """The part of a text around the place that is being read; a list of rows needs no more of it in memory."""

    def __init__(self, file):
        self._file, self.text, self.position = file, "", 0
        self._line, self._before, self._counted = 1, 0, 0
        self.ended = False
        self._take_in(WINDOW_CHARACTERS)

    def next(self) -> str:
        """The character at the next place that is no space; empty at the end."""
        while (position := _skip_space(self.text, self.position)) == len(self.text) and not self.ended:
            self.position = position
            self._take_in(WINDOW_CHARACTERS)
        self.position = position
        return self.text[position : position + 1]

    def element(self, decoder: Decoder) -> tuple[object, int, str | None]:
        """The value here, its length and its fault if it has one; the place is behind it then.

        ``Fault`` if there is no telling where it ends.
        """
        wanted = WINDOW_CHARACTERS
        while True:
            if len(self.text) - self.position < wanted and not self.ended:
                self._take_in(2 * wanted)
            try:
                value, end, fault = decoder.element(self.text, self.position)
            except Fault as broken:
                if self.ended or wanted >= MAX_ELEMENT_CHARACTERS or _is_certain(broken, len(self.text)):
                    raise
            else:
                if end < len(self.text) or self.ended:
                    length, self.position = end - self.position, end
                    return value, length, fault
            wanted *= 4

    def take_in_all(self, name: str) -> None:
        """Have the whole text here; ``DataError`` if it is too large for that."""
        self._take_in(MAX_DOCUMENT_CHARACTERS)
        if not self.ended:
            raise DataError(
                f"{name} is larger than {MAX_DOCUMENT_CHARACTERS // 2**20} MB and no list of rows.",
                "Write a list of objects, or one object per line (JSONL).",
            )

    def line(self) -> int:
        """The line of the place."""
        self._line += self.text.count("\n", self._counted, self.position)
        self._counted = self.position
        return self._line

    def broken(self, what: str, fault: Fault) -> DataError:
        """The fault with the line and character where it is."""
        position = getattr(fault, "position", None)
        reason = str(fault).split(" at character ")[0].rstrip(".")
        where = ""
        if position is not None:
            self.position = min(position, self._counted)
            line = self.line() + self.text.count("\n", self.position, position)
            begins = self.text.rfind("\n", 0, position)
            where = f" in line {line:,}, character {position - begins + (self._before if begins < 0 else 0):,}"
        cut = position is not None and self.ended and position >= len(self.text.rstrip())
        return DataError(f"{what}{where}: {reason}.", "The file seems to be cut off." if cut else "")

    def _take_in(self, wanted: int) -> None:
        """Have ``wanted`` characters from the place on, or all that are left; what is before it is let go."""
        self.line()
        begins = self.text.rfind("\n", 0, self.position)
        self._before = self.position - begins - 1 if begins >= 0 else self._before + self.position
        rest = self.text[self.position :]
        more = self._file.read(max(0, wanted - len(rest)) + 1)
        self.ended = len(more) <= max(0, wanted - len(rest))
        self.text, self.position, self._counted = rest + more, 0, 0


def _is_certain(fault: Fault, length: int) -> bool:
    """False if the fault may be that the text ends where it was cut for reading."""
    return fault.position < length - CUT_CHARACTERS and "nterminated" not in str(fault)


def _read_array(table: Table, decoder: Decoder, window: _Window) -> None:
    """Each element of the array that begins in ``window`` as a row."""
    window.position += 1
    while window.next() != "]" or table.total_rows:
        line = window.line()
        try:
            value, length, fault = window.element(decoder)
        except Fault as broken:
            raise window.broken(f"Row {table.total_rows + 1:,}", broken) from None
        if fault:
            table.reject(fault, line, length)
        else:
            _take(table, value, line, length)
        if window.next() != ",":
            break
        window.position += 1
    if window.next() != "]":
        raise window.broken("The list", _located('It does not go on with "," or "]".', window.position))
    window.position += 1
    if window.next():
        raise window.broken("The file", _located("Something follows the end of the list.", window.position))


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
    for string in strings_of(value):
        if "\0" in string:
            return f'It holds a NUL character in "{string[:20]}".'.replace("\0", "\\u0000")
        if not string.isascii() and HALF.search(string):
            return "It holds half of a character (a lone surrogate), which is not text."
    return None


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [part for item in level for part in _parts(item) if isinstance(part, (dict, list))]
    return depth


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

"""JSON lines (JSONL): an object per line. A line that cannot be read is rejected by its number."""

import io
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import orjson

from finetune.data import store
from finetune.data.ahead import ahead
from finetune.data.readers import columns
from finetune.data.readers.decoder import Fault
from finetune.data.readers.encoding import lines_of, marked_encoding
from finetune.data.readers.line import LineParser, continues, is_row, reread
from finetune.data.readers.reader import Reader
from finetune.data.readers.shortcut import quick
from finetune.data.readers.signature import Head
from finetune.data.table import MAX_ROW_CHARACTERS, Reading, Table

MAX_LINE_BYTES = 4 * MAX_ROW_CHARACTERS + 2
"""A line of UTF-8 with more bytes has more characters than a row may have."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLOCK_BYTES = 2**17
"""Bytes of lines read at once: some hundred rows, which fit the processor's cache."""
COLUMN_BYTES, PART_BYTES = 2**22, 2**19
"""The same if rows are read as columns, which has a cost per block; and for the retry if that fails."""


MAX_BLANK_CHARACTERS = 2**20
"""Blank lines are skipped up to here to detect the kind of a file (0.4 s); reading has its own limit."""
JSON_START = re.compile(r"""\{\s*["'}]|\[\s*(["'{\[\]]|$)""")


class JsonLines(Reader):
    """A JSON object per line."""

    titles = ("JSONL",)
    suffixes = (".jsonl", ".ndjson")
    hub_suffixes = (".jsonl",)
    order = 20
    is_text = True

    def claims(self, head):
        return is_json(head) and _has_lines(head)

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """A JSON object per line; blank lines are skipped."""
        with path.open("rb") as file:
            plain = marked_encoding(file.read(4), reading.encoding) == "utf-8-sig"
        try:
            if plain:
                return _read_bytes(path, reading)
        except (_Unusual, UnicodeDecodeError):
            pass
        return _read_text(path, reading)


def is_json(head: Head) -> bool:
    """True if a text begins like JSON, or has a suffix of JSON lines (the first line may be damaged)."""
    return head.suffix in JsonLines.suffixes or JSON_START.match(head.text.lstrip("\ufeff \t\r\n")) is not None


def _has_lines(head: Head) -> bool:
    """True if each line of a JSON text is a value of its own, False if the text is one value.

    If blank lines hide what comes next, a file with a suffix of JSON lines or with an object at its beginning counts as
    lines: their reader skips blank ones, and reports if that takes too long.
    """
    with head.open() as file:
        first = _next_line(file) or ""
        second = _next_line(file) if first else ""
    named_lines = head.suffix in JsonLines.suffixes
    if is_row(first):
        may_go_on = first.startswith("{") and (named_lines or second is None)
        return bool(second) or may_go_on
    if not named_lines or first.startswith("[{") or continues(first):
        return False
    # A damaged first line is still a line, unless the second one continues it: a value over several lines.
    continues_below = first.startswith(("{", "[")) and second and not second.startswith(("{", "["))
    return first not in ("[", "{") and not continues_below


def _next_line(file) -> str | None:
    """The next line that is not blank, without the space around it; empty at the end.

    None if there are only blank lines for ``MAX_BLANK_CHARACTERS``.
    """
    left = MAX_BLANK_CHARACTERS
    while left > 0:
        line = file.readline(MAX_ROW_CHARACTERS)
        if not line or line.strip():
            return line.strip()
        left -= len(line)
    return None


class _Unusual(Exception):
    """A file that the fast way of reading does not suit."""


def _read_bytes(path: Path, reading: Reading) -> Table:
    """The rows of a UTF-8 file; ``_Unusual`` if there is no line feed for long."""
    size = path.stat().st_size
    is_large = size > store.MEMORY_BYTES
    table = Table("JSON lines", reading=reading)
    with path.open("rb", buffering=0) as file:
        table.share = lambda: file.tell() / size
        if file.read(len(BYTE_ORDER_MARK)) != BYTE_ORDER_MARK:
            file.seek(0)
        parser = LineParser()
        if is_large:
            table.rows = store.Lines(path, orjson.loads, reread)
            _ColumnReader(table, parser).take(file)
        else:
            _take_blocks(table, parser, _blocks(file, BLOCK_BYTES), 1)
    table.notes += parser.notes
    return table


def _blocks(file, size: int, first: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Offset and content of blocks of lines from the file's position on, ``first`` and then ``size`` bytes long."""
    start, rest, wanted = file.tell(), b"", first or size
    while chunk := file.read(wanted):
        block, wanted = rest + chunk, size
        end = block.rfind(b"\n") + 1
        if end:
            yield start, block[:end]
        elif len(block) > MAX_LINE_BYTES:
            raise _Unusual
        start, rest = start + end, block[end:]
    if rest:
        yield start, rest


class _ColumnReader:
    """Takes in the lines of a large file: as columns, or one by one where rows differ in schema."""

    def __init__(self, table: Table, parser: LineParser):
        self._table, self._parser, self._number = table, parser, 1
        self._schema = columns.ColumnSchema(table.reading.prefilter)

    def take(self, file) -> None:
        """Take in all lines from the file's position on; the first few give the schema."""
        blocks = _blocks(file, COLUMN_BYTES, first=BLOCK_BYTES)
        for start, block in islice(blocks, 1):
            self._read_lines(start, block)
        for (start, block), found in ahead(lambda given: (given, self._schema.read(given[1])), blocks):
            if found:
                self._point(start, block, found)
            else:
                self._retry(start, block)

    def _retry(self, start: int, block: bytes) -> None:
        """Retry in smaller blocks, so that a row with another schema costs only its own."""
        for inside, part in _blocks(io.BytesIO(block), PART_BYTES):
            if found := self._schema.read(part):
                self._point(start + inside, part, found)
            else:
                self._read_lines(start + inside, part)

    def _point(self, start: int, block: bytes, found: columns.Block) -> None:
        self._table.take_all((), len(found.lengths), self._number, len(block))
        self._table.rows.point(start, found.lengths, texts=found.texts)
        self._number += len(found.lengths)

    def _read_lines(self, start: int, block: bytes) -> None:
        rows = self._table.rows
        before = len(rows)
        blocks = _blocks(io.BytesIO(block), BLOCK_BYTES)
        self._number = _take_blocks(self._table, self._parser, blocks, self._number, start)
        self._schema.update(rows[before:])


def _take_blocks(
    table: Table, parser: LineParser, blocks: Iterable[tuple[int, bytes]], number: int, offset: int = 0
) -> int:
    """Take in the lines of ``blocks``, the first at byte ``offset`` with line ``number``; returns the next number."""
    for start, block in blocks:
        lines = block.splitlines(keepends=True)
        _take_lines(table, parser, block, lines, number, offset + start)
        number += len(lines)
        table.pulse()  # blank lines are not rows, whose number triggers it otherwise
    return number


def _take_lines(table: Table, parser: LineParser, block: bytes, lines: list[bytes], number: int, start: int) -> None:
    """Take in the ``lines`` of ``block``; the first has this ``number`` and begins at byte ``start``."""
    lengths = list(map(len, lines))
    rows = quick(block, lines) if max(lengths) <= MAX_ROW_CHARACTERS else None
    if rows:
        table.take_all(rows, len(rows), number, len(block))
        _keep(table.rows, rows, start, lengths)
        return
    for line, length in zip(lines, lengths):
        rows = quick(line, [line]) if length <= MAX_ROW_CHARACTERS and not line.isspace() else None
        row = rows[0] if rows else _row_of(table, parser, line.decode(), number)
        if row is not None and table.takes(row, number, min(length, MAX_ROW_CHARACTERS)):
            _keep(table.rows, [row], start, [length], odd=not rows)
        number, start = number + 1, start + length


def _keep(kept: store.Rows, rows: list[dict], start: int, lengths: list[int], odd: bool = False) -> None:
    """Add ``rows``, which are ``lengths`` bytes long and consecutive from byte ``start``."""
    if isinstance(kept, store.Lines):
        kept.point(start, lengths, odd)
    else:
        for row, length in zip(rows, lengths):
            kept.append(row, length)


def _read_text(path: Path, reading: Reading) -> Table:
    """The rows of a file in any encoding and with any line endings."""
    table, parser = Table("JSON lines", reading=reading), LineParser()
    for number, line, length in lines_of(path, table):
        if length > MAX_ROW_CHARACTERS:
            table.reject(f"It is longer than {MAX_ROW_CHARACTERS:,} characters.", number, length)
        elif (values := _row_of(table, parser, line, number)) is not None:
            table.add(values, number, length)
    table.notes += parser.notes
    return table


def _row_of(table: Table, parser: LineParser, line: str, number: int) -> dict | None:
    """The row in a line; None if the line is blank, or was rejected."""
    if not line.strip():
        return None
    reason = f"It is longer than {MAX_ROW_CHARACTERS:,} characters."
    if len(line) <= MAX_ROW_CHARACTERS:
        try:
            return parser.row(line)
        except Fault as fault:
            reason = str(fault)
    table.reject(reason, number, len(line))
    return None

"""CSV and TSV: values separated by commas, semicolons, tabs or bars, all kept as text."""

import csv
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from finetune.data.readers.dialect import Dialect, delimiter_of, dialect_of, is_table, others
from finetune.data.readers.encoding import head_of, lines_of, marked_encoding
from finetune.data.readers.reader import Reader
from finetune.data.table import MAX_ROW_CHARACTERS, MAX_ROWS, Reading, Table, place, too_many
from finetune.errors import DataError

LONGEST = 8 * MAX_ROW_CHARACTERS
"""Maximum characters of a line."""
BYTE_ORDER_MARK = "\ufeff"
"""It stands where one file was appended to another."""
MOST_RAGGED = 0.1
"""Share of rows with too many or too few values; with more of them, the file was misread."""


class QuoteError(DataError):
    """A quotation mark that stands where none can, so that the dialect may be another."""


class Delimited(Reader):
    """Values between delimiters, below a header line."""

    titles = ("CSV", "TSV")
    suffixes = (".csv", ".tsv", ".tab", ".psv")
    hub_suffixes = (".csv", ".tsv")
    order = 10
    is_text = True

    def claims(self, head):
        return head.suffix not in self.suffixes and is_table(head.text)

    def suits(self, head):
        return delimiter_of(head.text) is not None

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The rows below the header; a ragged row is rejected, an open quote shifts what follows and is refused."""
        csv.field_size_limit(MAX_ROW_CHARACTERS)  # the module's own limit would refuse values of 131,072 characters
        head = head_of(path, reading.encoding)
        dialect = dialect_of(head)
        try:
            return _read(path, reading, dialect)
        except QuoteError as error:
            for other in others(dialect, head):
                if found := _attempt(path, reading, other):
                    return found
            raise error from None


def _attempt(path: Path, reading: Reading, dialect: Dialect) -> Table | None:
    """The table in another dialect than the likeliest; None unless each row then has all columns."""
    try:
        table = _read(path, reading, dialect)
    except DataError:
        return None
    return table if not table.rejected else None


def _read(path: Path, reading: Reading, dialect: Dialect) -> Table:
    _refuse_endless(path, reading.encoding, dialect)
    table = Table("TSV" if dialect.delimiter == "\t" else "CSV", notes=list(dialect.notes), reading=reading)
    lines = _lines(path, table)
    for _ in range(dialect.above):
        next(lines)
    _take_all(table, dialect, lines)
    if path.suffix.lower() not in Delimited.suffixes:
        table.notes.insert(0, f"By its content, the file is a table ({table.title}).")
    return table


def _refuse_endless(path: Path, encoding: str, dialect: Dialect) -> None:
    """``DataError`` if there are too many rows; counting them first takes half the time of reading them."""
    with path.open("rb") as file:
        name = marked_encoding(file.read(4), encoding)
        ends = sum(max(block.count(b"\n"), block.count(b"\r")) for block in iter(partial(file.read, 2**20), b""))
    if ends < MAX_ROWS:
        return
    with path.open(encoding=name, errors="replace", newline="") as file:
        lines = islice(iter(partial(file.readline, LONGEST), ""), dialect.above, None)
        try:
            count = sum(1 for _ in islice(filter(None, dialect.records(lines)), MAX_ROWS + 2))
        except csv.Error:
            return  # reading will report where
    if count > MAX_ROWS + dialect.has_header:
        raise too_many()


def _take_all(table: Table, dialect: Dialect, lines: Iterator[str]) -> None:
    """Fill ``table`` from ``lines``, which begin with the header, if there is one."""
    ragged, trimmed = [], 0
    for start, record in _records(dialect.records(lines), table, dialect.above):
        if not record:
            continue
        if not table.columns:
            table.name_columns(_names(record, table, dialect))
            if dialect.has_header:
                continue
        columns = table.columns
        if len(record) > len(columns) and not any(map(str.strip, record[len(columns) :])):
            record, trimmed = record[: len(columns)], trimmed + 1
        if len(record) == len(columns):
            table.add(dict(zip(columns, record)), start)
        else:
            ragged.append((table.total_rows + 1, start, len(record)))
            table.reject(f"It has {len(record)} values, but there are {len(columns)} columns.", start)
    if ragged:
        _judge(table, ragged)
    if trimmed:
        table.notes.append(
            f"A delimiter at the end of {trimmed:,} {'line' if trimmed == 1 else 'lines'} begins no further column."
        )


def _judge(table: Table, ragged: list[tuple[int, int, int]]) -> None:
    """``DataError`` if too many rows have another number of values than there are columns."""
    if len(ragged) <= MOST_RAGGED * table.total_rows:
        return
    row, start, count = ragged[0]
    raise DataError(
        f"{place(row, start).capitalize()} has {count} values, but there are {len(table.columns)} columns: "
        f"{', '.join(table.columns)}.",
        "Put quotes around values that contain the delimiter or a line break.",
    )


def _records(reader, table: Table, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it starts in; an unclosed quote is reported where its record starts."""
    while True:
        start = reader.line_num + skipped + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            where = place(table.total_rows + 1, start) if table.columns else f"the header (line {start})"
            if "field limit" in str(error):
                message = f"has a value longer than {MAX_ROW_CHARACTERS:,} characters; perhaps a quote is left open"
            elif "end of data" in str(error):
                message = "opens a quote that is never closed"
            else:
                message = "has a quote that is not closed where its value ends"
            raise QuoteError(
                f"{where[0].upper()}{where[1:]} {message}.", 'Write a quote inside a quoted value twice: "".'
            ) from None
        yield start, record


def _names(record: list[str], table: Table, dialect: Dialect) -> tuple[str, ...]:
    """The names in the header, stripped; a column without a name is named by its position."""
    if not dialect.has_header:
        return tuple(f"column_{position}" for position in range(1, len(record) + 1))
    names = [name.strip() or f"column {position}" for position, name in enumerate(record, 1)]
    unnamed = [name for name, written in zip(names, record) if not written.strip()]
    if unnamed:
        table.notes.append(f"The header has no name for a column; it is called {', '.join(unnamed)} here.")
    return tuple(names)


def _lines(path: Path, table: Table) -> Iterator[str]:
    for number, line, length in lines_of(path, table, LONGEST):
        if "\0" in line:
            raise DataError(f"Line {number:,} contains a NUL character, which is not text.", "Remove it and try again.")
        if length > len(line):
            raise DataError(f"Line {number:,} is longer than {LONGEST:,} characters.", "Leave it out.")
        yield line.lstrip(BYTE_ORDER_MARK) if line.startswith(BYTE_ORDER_MARK) else line

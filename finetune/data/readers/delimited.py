"""CSV and TSV: values separated by commas, semicolons, tabs or bars, all kept as text."""

import csv
import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from finetune.data.readers.encoding import HEAD_BYTES, head_of, lines_of, marked_encoding
from finetune.data.readers.reader import Reader
from finetune.data.table import MAX_ROW_CHARACTERS, MAX_ROWS, Reading, Table, place, too_many
from finetune.errors import DataError

LONGEST = 8 * MAX_ROW_CHARACTERS
"""Maximum characters of a line."""
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


class Delimited(Reader):
    """Values between delimiters, below a header line."""

    titles = ("CSV", "TSV")
    suffixes = (".csv", ".tsv", ".tab", ".psv")
    hub_suffixes = (".csv", ".tsv")
    order = 10
    is_text = True

    def suits(self, head):
        return delimiter_of(head.text) is not None

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The rows below the header line; a ragged row or an open quote shifts what follows and is refused."""
        csv.field_size_limit(MAX_ROW_CHARACTERS)  # the module's own limit would refuse values of 131,072 characters
        head = head_of(path, reading.encoding)
        announced = re.match(r"sep=([,;\t|])\r?\n", head)  # Excel's own first line
        delimiter = announced.group(1) if announced else delimiter_of(head) or ","
        _refuse_endless(path, reading.encoding, delimiter, headers=2 if announced else 1)
        table = Table("TSV" if delimiter == "\t" else "CSV", reading=reading)
        lines = _lines(path, table)
        if announced:
            next(lines)
        _read(table, csv.reader(lines, delimiter=delimiter, strict=True), skipped=1 if announced else 0)
        if delimiter != ",":
            table.notes.append(f"The columns are separated by {DELIMITERS[delimiter]}s.")
        return table


def _refuse_endless(path: Path, encoding: str, delimiter: str, headers: int) -> None:
    """``DataError`` if there are too many rows; counting them first takes half the time of reading them."""
    with path.open("rb") as file:
        name = marked_encoding(file.read(4), encoding)
        ends = sum(max(block.count(b"\n"), block.count(b"\r")) for block in iter(partial(file.read, 2**20), b""))
    if ends < MAX_ROWS:
        return
    with path.open(encoding=name, errors="replace", newline="") as file:
        records = csv.reader(iter(partial(file.readline, LONGEST), ""), delimiter=delimiter, strict=True)
        try:
            count = sum(1 for _ in islice(filter(None, records), MAX_ROWS + headers + 1))
        except csv.Error:
            return  # reading will report where
    if count > MAX_ROWS + headers:
        raise too_many()


def delimiter_of(head: str) -> str | None:
    """The delimiter by which most of the first lines have equally many columns; None if none gives two columns."""
    lines = head.splitlines(keepends=True)
    whole = lines[:-1] if len(head) >= HEAD_BYTES and len(lines) > 1 else lines
    scores = {delimiter: _evenness(whole[:200], delimiter) for delimiter in DELIMITERS}
    best = max(scores, key=scores.get)
    return best if scores[best] > (0, 0) else None


def _evenness(lines: list[str], delimiter: str) -> tuple[float, int]:
    """Share of records with as many values as the header, and that number; zeros for one column."""
    try:
        counts = [len(record) for record in csv.reader(lines, delimiter=delimiter) if record]
    except csv.Error:
        return 0.0, 0
    if not counts or counts[0] < 2:
        return 0.0, 0
    return counts.count(counts[0]) / len(counts), counts[0]


def _read(table: Table, reader, skipped: int) -> None:
    """Fill ``table`` from ``reader``, whose first record is the header; ``skipped`` lines precede it."""
    for start, record in _records(reader, table, skipped):
        if not record:
            continue
        if not table.columns:
            table.name_columns(_names(record, table))
        elif len(record) != len(table.columns):
            raise DataError(
                f"{place(table.total_rows + 1, start).capitalize()} has {len(record)} values, but there are "
                f"{len(table.columns)} columns: {', '.join(table.columns)}.",
                "Put quotes around values that contain the delimiter or a line break.",
            )
        else:
            table.add(dict(zip(table.columns, record)), start)


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
            raise DataError(
                f"{where[0].upper()}{where[1:]} {message}.", 'Write a quote inside a quoted value twice: "".'
            ) from None
        yield start, record


def _names(record: list[str], table: Table) -> tuple[str, ...]:
    """The names in the header, stripped; a column without a name is named by its position."""
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
        yield line

"""The dialect of a text with columns: its delimiter, its quotation marks, and what stands above its header."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from finetune.data.readers.encoding import HEAD_BYTES
from finetune.data.readers.header import Header, are_names, header_of, is_known

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
COMMENT = ("#", "//")
MOST_ABOVE = 20
"""Lines of a title or of comments above a header."""
SAMPLE = 200
"""Lines of the beginning that are tried."""
BACKSLASHED = re.compile(r'(?<!\\)((?:\\\\)*)\\"')
SPACED = re.compile(r'^\s+".*"\s*$', re.DOTALL)


@dataclass(frozen=True)
class Dialect:
    """How values are separated and quoted."""

    delimiter: str = ","
    skip_space: bool = False
    """Space after a delimiter is not part of the value, so that quotation marks may follow it."""
    is_escaped: bool = False
    """A quotation mark within quotation marks has a backslash before it."""
    is_quoted: bool = True
    """False if quotation marks are letters like others."""
    above: int = 0
    """Lines above the header that belong to no row."""
    is_announced: bool = False
    """True if the line above the header names the delimiter, as Excel writes it."""
    first: Header = Header.NAMES
    """What the first record is."""

    @property
    def has_header(self) -> bool:
        """True if the first record names the columns."""
        return self.first != Header.ROW

    def records(self, lines: Iterator[str]):
        """The records in ``lines``, read strictly."""
        quoting = csv.QUOTE_MINIMAL if self.is_quoted else csv.QUOTE_NONE
        lines = (BACKSLASHED.sub(r'\1""', line) for line in lines) if self.is_escaped else lines
        return csv.reader(
            lines, delimiter=self.delimiter, skipinitialspace=self.skip_space, quoting=quoting, strict=True
        )

    @property
    def notes(self) -> list[str]:
        """What is unusual in it, as sentences."""
        found = []
        if self.delimiter != ",":
            found.append(f"The columns are separated by {DELIMITERS[self.delimiter]}s.")
        if self.skip_space:
            found.append("The space between a delimiter and a value is not read.")
        if self.is_escaped:
            found.append("A quotation mark with a backslash before it is read as one within its value.")
        if not self.is_quoted:
            found.append("Quotation marks are read as part of the values.")
        if self.above and not self.is_announced:
            lines = "first line is" if self.above == 1 else f"first {self.above} lines are"
            found.append(f"The {lines} not part of the table, and not read.")
        if self.first == Header.ROW:
            found.append("The first line looks like a row, not like a header: the columns are called column_1, ….")
        if self.first == Header.UNSURE:
            found.append("The first line is read as the header. If it is a row, write a header above it.")
        return found


def dialect_of(head: str) -> Dialect:
    """The dialect of a text that begins with ``head``; that of plain CSV if nothing tells."""
    lines = sample_of(head)
    announced = re.match(r"sep=([,;\t|])\r?\n", head)  # Excel's own first line
    if announced:
        return _with_header(Dialect(announced[1], above=1, is_announced=True), lines)
    above = _comments(lines)
    delimiter = _delimiter(lines[above:]) or _below_a_title(lines[above:]) or ","
    found = Dialect(delimiter, above=above + _above(lines[above:], delimiter))
    return _with_header(_with_space(found, lines) or found, lines)


def others(dialect: Dialect, head: str) -> Iterator[Dialect]:
    """What else the dialect may be if a quotation mark stands in the wrong place."""
    lines = sample_of(head)
    if '\\"' in head:
        yield _with_header(replace(dialect, is_escaped=True), lines)
    if not dialect.skip_space and re.search(rf'{re.escape(dialect.delimiter)}[ \t]+"', head):
        yield _with_header(replace(dialect, skip_space=True), lines)
    if dialect.delimiter == "\t":
        yield _with_header(replace(dialect, is_quoted=False), lines)


def sample_of(head: str) -> list[str]:
    """The first whole lines of a text."""
    lines = head.splitlines(keepends=True)
    return (lines[:-1] if len(head) >= HEAD_BYTES and len(lines) > 1 else lines)[:SAMPLE]


def delimiter_of(head: str) -> str | None:
    """The delimiter by which most of the first lines have equally many columns; None if none gives two columns."""
    return _delimiter(sample_of(head))


def _delimiter(lines: list[str]) -> str | None:
    scores = {delimiter: _evenness(lines, delimiter) for delimiter in DELIMITERS}
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


def _below_a_title(lines: list[str]) -> str | None:
    """The delimiter of a table that a title or comments stand above; None if no delimiter shows one."""
    return next((delimiter for delimiter in DELIMITERS if _above(lines, delimiter)), None)


def _above(lines: list[str], delimiter: str) -> int:
    """How many lines stand above the header: a title, apart from a header that is surely one."""
    reader = csv.reader(lines, delimiter=delimiter)
    records, ends = [], []
    try:
        for record in reader:
            records.append(record)
            ends.append(reader.line_num)
    except csv.Error:
        return 0
    columns, count = next(iter(Counter(len(record) for record in records if len(record) > 1).most_common(1)), (0, 0))
    start = next((place for place, record in enumerate(records) if len(record) == columns), 0)
    above, below = records[:start], [record for record in records[start:] if record]
    if not any(above) or start > MOST_ABOVE or count < max(2, 0.9 * len(below)):
        return 0
    is_apart = not above[-1] or any(map(is_known, records[start]))
    is_title = all(len(record) == 1 and not is_known(record[0]) for record in above if record)
    return ends[start - 1] if is_title and is_apart and are_names(records[start]) else 0


def _comments(lines: list[str]) -> int:
    """How many lines of comments stand above a table; 0 if the first ones may be its header, with a column ``#``."""
    count = next((place for place, line in enumerate(lines) if line.strip() and not line.startswith(COMMENT)), 0)
    if count > MOST_ABOVE or not any(line.startswith(COMMENT) for line in lines[:count]):
        return 0
    delimiter = _delimiter(lines[count:])
    if not delimiter:
        return 0
    header = lines[count].split(delimiter)
    is_wider = all(line.count(delimiter) + 1 != len(header) for line in lines[:count])
    return count if is_wider or are_names(header) else 0


def _with_space(dialect: Dialect, lines: list[str]) -> Dialect | None:
    """``dialect`` without the space before quoted values, if there is such space and the records are then even."""
    spaced = replace(dialect, skip_space=True)
    try:
        plain = [record for record in csv.reader(lines[dialect.above :], delimiter=dialect.delimiter) if record]
        found = [record for record in spaced.records(iter(lines[dialect.above :])) if record]
    except csv.Error:
        return None
    has_space = any(SPACED.match(value) for record in plain for value in record)
    return spaced if has_space and len({len(record) for record in found}) == 1 else None


def _with_header(dialect: Dialect, lines: list[str]) -> Dialect:
    """``dialect`` with what the first record is, as far as the first lines tell."""
    first, *rows = records if (records := _sampled(dialect, lines)) else [[]]
    alike = [row for row in rows if len(row) == len(first)]
    return replace(dialect, first=header_of(first, alike)) if len(first) > 1 else dialect


def _sampled(dialect: Dialect, lines: list[str]) -> list[list[str]]:
    """The records of the first ``lines``, without a last one that may be truncated; none if one is misquoted."""
    found = []
    try:
        found.extend(record for record in dialect.records(iter(lines[dialect.above :])) if record)
    except csv.Error as error:
        return found if "end of data" in str(error) else []
    return found


def is_table(head: str) -> bool:
    """True if a text is surely a table, whatever its name: each of its first lines has the same columns.

    Commas and semicolons are also in sentences, so that they need a header of names; tabs in each line do not.
    """
    if head.lstrip()[:1] in ("{", "["):
        return False
    dialect = dialect_of(head)
    for tried in (dialect, *others(dialect, head)):
        records = _sampled(tried, sample_of(head))
        counts = {len(record) for record in records}
        if len(records) > 2 and len(counts) == 1 and counts != {1}:
            return dialect.delimiter == "\t" or are_names(records[0])
    return False

"""A table of Markdown: bars between the cells, and a line of dashes below the header."""

import re
from collections.abc import Iterator
from pathlib import Path

from finetune.data.readers.encoding import lines_of
from finetune.data.readers.reader import Reader
from finetune.data.readers.signature import Head
from finetune.data.table import MAX_ROW_CHARACTERS, Reading, Table
from finetune.errors import DataError

RULE = re.compile(r"\s*+\|?\s*+:?-++:?\s*+(?:\|\s*+:?-++:?\s*+)*+\|?\s*+")
"""The line below the header: ``| --- | :---: |``."""
BAR = re.compile(r"(?<!\\)\|")
BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
SHARE = 0.5
"""Of the lines of a text that belong to its tables, if they are what it is about."""


class MarkdownTable(Reader):
    """Rows of cells between bars, in a text that holds little else."""

    titles = ()
    suffixes = ()
    order = 5  # before CSV, which takes its bars for delimiters
    is_text = True

    def claims(self, head: Head) -> bool:
        lines = [line for line in head.text.splitlines() if line.strip()]
        start = next((at for at, line in enumerate(lines) if at and _is_rule(line, lines[at - 1])), 0)
        return start > 0 and sum("|" in line for line in lines) >= SHARE * len(lines)

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The rows of all tables, which must have one header; what stands between them is not read."""
        table = Table("Markdown table", reading=reading)
        others = 0
        for number, line, cells in _cells(path, table):
            if cells is None:
                others += bool(line.strip())
            elif not table.columns:
                table.name_columns(tuple(name or f"column {place}" for place, name in enumerate(cells, 1)))
            elif len(cells) > len(table.columns):
                counted = f"{len(cells)} cells, but there are {len(table.columns)} columns"
                table.reject(f"It has {counted}: {', '.join(table.columns)}.", number)
            else:
                table.add(dict(zip(table.columns, cells + [""] * (len(table.columns) - len(cells)))), number)
        table.notes.append("The rows are those of a Markdown table.")
        if others:
            table.notes.append(f"{others:,} lines beside the table are not read.")
        return table


def _cells(path: Path, table: Table) -> Iterator[tuple[int, str, list[str] | None]]:
    """Each line with its number and its cells, None outside of a table; the header comes once, rules do not come."""
    before, is_inside, header = (0, ""), False, None
    for number, line, length in lines_of(path, table):
        if length > MAX_ROW_CHARACTERS:
            raise DataError(f"Line {number:,} is longer than {MAX_ROW_CHARACTERS:,} characters.", "Leave it out.")
        if _is_rule(line, before[1]):
            found, is_inside = _split(before[1]), True
            if header not in (None, found):
                raise DataError(
                    f"Line {before[0]:,} begins a table with other columns than the first: {', '.join(found)}.",
                    "Keep one table in the file.",
                )
            if header is None:
                yield before[0], before[1], found
            header, before = found, (number, "")
            continue
        if before[0] and before[1]:
            yield (*before, _split(before[1]) if is_inside and "|" in before[1] else None)
        is_inside = is_inside and "|" in line
        before = (number, line)
    if before[1]:
        yield (*before, _split(before[1]) if is_inside and "|" in before[1] else None)


def _is_rule(line: str, above: str) -> bool:
    return "|" in above and "-" in line and "|" in line and RULE.fullmatch(line) is not None


def _split(line: str) -> list[str]:
    """The cells of a line; a bar with a backslash before it belongs to its cell, and ``<br>`` is a line break."""
    inside = line.strip().removeprefix("|")
    inside = inside[:-1] if inside.endswith("|") and not inside.endswith("\\|") else inside
    return [BREAK.sub("\n", cell.replace("\\|", "|").strip()) for cell in BAR.split(inside)]

"""The blocks of a document: its paragraphs as rows of text; or the rows of its table, if that is what it is about."""

from collections.abc import Iterable

from finetune.data.readers.header import Header, header_of
from finetune.data.table import WHOLE_TEXT, Reading, Table

Grid = list[list[str]]
"""A table in a document: the texts of its cells, row by row."""
Block = str | Grid
SHARE = 0.5
"""Of the characters of a document that are in its tables, if they are what it is about."""
TEXT = "text"


def read_blocks(blocks: Iterable[Block], title: str, reading: Reading) -> Table:
    """The rows of the tables in ``blocks``, if most of the text is in them; else each paragraph as ``{"text": …}``."""
    table, found = Table(title, reading=reading), []
    for block in blocks:
        if _characters(block):
            found.append(block)
        table.pulse()
    grids = [block for block in found if isinstance(block, list) and _is_table(block)]
    whole = sum(map(_characters, found))
    if grids and sum(map(_characters, grids)) >= SHARE * whole:
        _read_grids(table, grids, others=len(found) - len(grids))
    else:
        _read_paragraphs(table, found)
    return table


def _characters(block: Block) -> int:
    return len(block.strip()) if isinstance(block, str) else sum(len(cell.strip()) for row in block for cell in row)


def _is_table(grid: Grid) -> bool:
    """True if two rows have two filled cells: a layout of a page is often a table of one cell."""
    return sum(sum(bool(cell.strip()) for cell in row) > 1 for row in grid) > 1


def _read_grids(table: Table, grids: list[Grid], others: int) -> None:
    """The rows below the header of the largest table, and of all that have the same header."""
    grids = [[row for row in grid if any(map(str.strip, row))] for grid in grids]
    largest = max(grids, key=_characters)
    first, *rows = largest
    alike = [row for row in rows if len(row) == len(first)]
    has_header = header_of(first, alike) != Header.ROW
    named = [cell.strip() or f"column {place}" for place, cell in enumerate(first, 1)]
    table.name_columns(tuple(named if has_header else (f"column_{place}" for place in range(1, len(first) + 1))))
    read = [grid for grid in grids if grid is largest or has_header and grid[0] == first]
    for grid in read:
        for row in grid[has_header:]:
            _take(table, row)
    table.notes.append("The rows are those of the table in the document.")
    if others + len(grids) - len(read):
        table.notes.append(f"{others + len(grids) - len(read):,} paragraphs and tables beside it are not read.")


def _take(table: Table, row: list[str]) -> None:
    while len(row) > len(table.columns) and not row[-1].strip():
        row = row[:-1]
    if len(row) > len(table.columns):
        counted = f"{len(row)} cells, but there are {len(table.columns)} columns"
        return table.reject(f"It has {counted}: {', '.join(table.columns)}.")
    table.add(dict(zip(table.columns, row + [""] * (len(table.columns) - len(row)))))


def _read_paragraphs(table: Table, blocks: list[Block]) -> None:
    table.name_columns((TEXT,))
    texts = [block.strip() if isinstance(block, str) else _as_text(block) for block in blocks]
    if table.reading.whole_text:
        texts = ["\n\n".join(texts)] if texts else []
    for text in texts:
        table.add({TEXT: text})
    table.notes.append(WHOLE_TEXT if table.reading.whole_text else "Each paragraph is a row.")
    if any(isinstance(block, list) for block in blocks):
        table.notes.append("The tables in the document are read as text, with a tab between cells.")


def _as_text(grid: Grid) -> str:
    return "\n".join("\t".join(cell.strip() for cell in row) for row in grid)

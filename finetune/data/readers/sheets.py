"""The sheets of a workbook of any kind: which one is read, where its table begins, and its cells as text.

Text cells stay as they are (``007``, ``NA``). Numbers are read as their cells show them, where the format is known
(``finetune.data.readers.cell_format``); other numbers and dates become plain text, and the table's notes say so.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from finetune.data.faulty import Faulty
from finetune.data.readers.archive import ChoiceError
from finetune.data.readers.header import Header, are_names, header_of
from finetune.data.readers.nested import moment
from finetune.data.table import MAX_COLUMNS, PULSE_ROWS, Reading, Table
from finetune.errors import DataError

SAMPLE = 50
"""Rows that show where a table begins."""
LAST_ROW = 2**20
"""Number of the last row of a sheet in Excel and in LibreOffice."""
MOST_SHEETS = 500
MOST_ABOVE = 20
"""Rows of a title above a header."""
UNCOMPUTED = Faulty("The formula in the cell has no stored value.")
"""What stands for a formula that no program has computed."""


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook."""

    name: str
    rows: Callable[[], Iterable[Sequence]]
    """Gives the cells of each row, from the first of the sheet on, as Python values; it may be called again."""
    is_hidden: bool = False
    """True if the program that shows the workbook does not show it: it is read only if no other sheet has rows."""

    def filled(self, table: Table) -> Iterator[tuple[int, list]]:
        """Each row that has a value, up to its last value, with its number in the sheet.

        ``DataError`` for a row behind the last that a workbook can have, or if the time to read ``table`` is over.
        """
        for line, cells in enumerate(self.rows(), 1):
            if line > LAST_ROW:
                raise DataError(
                    f'The sheet "{self.name[:100]}" has rows behind row {LAST_ROW:,}, the last that a workbook has.',
                    "Copy the rows to a new sheet, or save it as CSV.",
                )
            if not line % PULSE_ROWS:
                table.pulse()
            values = list(cells)
            while values and values[-1] in (None, ""):
                values.pop()
            if len(values) > MAX_COLUMNS:
                raise DataError(
                    f"Row {line:,} of the sheet has more than {MAX_COLUMNS:,} columns.",
                    "Keep only the columns to train on.",
                )
            if values:
                yield line, values


@dataclass(frozen=True)
class Start:
    """Where the table of a sheet begins."""

    above: int
    """Rows of a title before it, which are filled."""
    names: tuple[str, ...]
    header: Header


def read_sheets(sheets: list[Sheet], title: str, reading: Reading) -> Table:
    """The table on the sheet that ``reading`` names, else on the first one that is shown and looks like a table.

    ``DataError`` if there is no such sheet, or if a row does not fit its columns.
    """
    if len(sheets) > MOST_SHEETS:
        raise DataError(
            f"The workbook has {len(sheets):,} sheets; {MOST_SHEETS:,} are read at most.", "Save one as CSV."
        )
    names = tuple(sheet.name for sheet in sheets)
    table = Table(title, reading=reading, sheets=names)
    chosen = _chosen(sheets, reading.sheet, table)
    if chosen is None:
        return table
    start = _start(chosen, table)
    _read(table, chosen, start)
    if len(names) > 1:
        others = ", ".join(name for name in names if name != chosen.name)
        table.notes.append(f'Only the sheet "{chosen.name}" is read; the workbook also has: {others}.')
    return table


def _chosen(sheets: list[Sheet], wanted: str | None, table: Table) -> Sheet | None:
    if wanted is None:
        filled = [sheet for sheet in sheets if len(list(islice(sheet.filled(table), 2))) > 1]
        seen = [sheet for sheet in filled if not sheet.is_hidden] or filled
        return next((sheet for sheet in seen if _is_table(sheet, table)), next(iter(seen), None))
    for sheet in sheets:
        if sheet.name.strip().lower() == wanted.strip().lower():
            return sheet
    names = tuple(sheet.name for sheet in sheets)
    raise ChoiceError(f'There is no sheet "{wanted[:100]}".', f"The workbook has: {', '.join(names)}.", names)


def _is_table(sheet: Sheet, table: Table) -> bool:
    """True if two rows of the sheet have two values: notes for people mostly have one."""
    wide = [
        values
        for _, values in islice(sheet.filled(table), SAMPLE)
        if sum(value not in (None, "") for value in values) > 1
    ]
    return len(wide) > 1


def _start(sheet: Sheet, table: Table) -> Start:
    """Where the table begins: below a title that is apart from a row of names, else in the first row with values."""
    rows = [[written(value) for value in values] for _, values in islice(sheet.filled(table), SAMPLE)]
    if not rows:
        return Start(0, (), Header.NAMES)
    above = 0
    while above < min(MOST_ABOVE, len(rows) - 2) and sum(map(bool, rows[above])) == 1:
        above += 1
    if above and not (len(rows[above]) > 1 and are_names(rows[above])):
        above = 0
    first = rows[above]
    below = [row + [""] * (len(first) - len(row)) for row in rows[above + 1 :] if len(row) <= len(first)]
    header = header_of(first, below) if len(first) > 1 else Header.NAMES
    if header == Header.ROW:
        names = tuple(f"column_{place}" for place in range(1, len(first) + 1))
    else:
        names = tuple(name.strip() or f"column {place}" for place, name in enumerate(first, 1))
    return Start(above, names, header)


def _read(table: Table, sheet: Sheet, start: Start) -> None:
    plain, formulas = {}, 0
    table.name_columns(start.names)
    for line, values in islice(sheet.filled(table), start.above + (start.header != Header.ROW), None):
        if len(values) > len(table.columns):
            raise DataError(
                f"Row {line:,} of the sheet has a value in column {len(table.columns) + 1}, which has no name.",
                "Name the column in the first row, or empty it.",
            )
        cells = dict(zip(table.columns, values))
        formulas += UNCOMPUTED in values
        plain.update({name: cell for name, cell in cells.items() if not isinstance(cell, (str, Faulty, type(None)))})
        table.add({name: _kept(cells.get(name)) for name in table.columns}, line)
    if plain:
        listed = ", ".join(f"{name} (such as {written(value)})" for name, value in plain.items())
        table.notes.append(f"Numbers and dates are read as plain text, without their cell format: {listed}.")
    if start.above:
        rows = "first row is" if start.above == 1 else f"first {start.above} rows are"
        table.notes.append(f"The {rows} a title, not part of the table.")
    if start.header == Header.ROW:
        table.notes.append(
            "The first row looks like those below, not like a header: the columns are called column_1, …."
        )
    if formulas:
        rows = "1 row has" if formulas == 1 else f"{formulas:,} rows have"
        table.notes.append(f"{rows} formulas without a stored value: open and save the file in Excel or LibreOffice.")


def _kept(value: object) -> str | Faulty:
    return value if isinstance(value, Faulty) else written(value)


def written(value: object) -> str:
    """A cell's value as plain text: an empty cell is empty, 3.0 is 3, 0.1 + 0.2 is 0.3, a date is 2026-01-31."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, (datetime.date, datetime.time)):
        return moment(value)
    return str(value)

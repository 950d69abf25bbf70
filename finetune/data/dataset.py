"""A dataset: the examples that rows give, which row each is from, and which rows give none.

What a row looks like is told from the rows and can be overruled; rows are left out with a reason, never changed.
"""

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from finetune.data.examples import Examples, picked
from finetune.data.formats import FORMATS, Format, Plain, Recognition, RowError
from finetune.data.formats.mapping import check_roles
from finetune.data.mends import Mend
from finetune.data.settings import DataSettings
from finetune.data.sources import read_tables
from finetune.data.split import split
from finetune.data.store import MEMORY_BYTES, Lines, Numbers
from finetune.data.table import Rejected, Table, none_can
from finetune.errors import DataError

SAMPLE_ROWS = 200
"""Rows looked at to tell the format, spread over the file: enough for one odd row in a hundred to show."""
UPLOAD = re.compile("[0-9a-f]{16}")
"""The folder of a file that a person sent is named so."""


@dataclass
class Dataset:
    """Examples of one kind. It is not changed once it is there, only replaced by another."""

    kind: str
    """``chat``, ``preference``, ``rated``, ``prompt`` or ``text``."""
    format: str
    """The format's name."""
    title: str
    """The format's name for a person."""
    reason: str
    """Why it is this format, as a sentence."""
    confidence: float
    """0 to 1; 1 if a person chose it."""
    columns: dict[str, str]
    """Which column plays which part."""
    examples: Sequence[dict] = field(default_factory=list)
    """TRL's columns: ``messages``; ``prompt``, ``chosen`` and ``rejected``; ``prompt``, ``completion`` and ``label``;
    or ``text``. Those of a large table are made when they are asked for."""
    rows: Sequence[int] = field(default_factory=list)
    """The 1-based row of the table that each example is from, rising; a row may give several."""
    rejected: list[Rejected] = field(default_factory=list)
    total_rows: int = 0
    file_columns: tuple[str, ...] = ()
    """All columns of the file."""
    notes: list[str] = field(default_factory=list)
    """What a person should know of how the file was read."""
    table: Table = field(default_factory=lambda: Table(""), repr=False)
    """The rows that it was understood from."""
    bare: Table | None = field(default=None, repr=False)
    """The same rows without placeholders in them, where they are to be told apart by a column."""

    def without(self, positions: Collection[int], reason: str) -> "Dataset":
        """This dataset without the examples at ``positions``; a row that has no other is rejected for ``reason``."""
        kept = [position for position in range(len(self.examples)) if position not in positions]
        rows = Numbers(self.rows[position] for position in kept)
        lost = sorted({self.rows[position] for position in positions} - set(rows))
        return replace(
            self,
            examples=picked(self.examples, kept),
            rows=rows,
            rejected=sorted(self.rejected + [self.left_out(row, reason) for row in lost], key=lambda bad: bad.row),
        )

    def values(self, column: str) -> list:
        """What stands in ``column`` of the row that each example is from; of what was masked, what it was before."""
        table = self.bare or self.table
        values = {number: row.get(column) for number, row in zip(table.numbers, table.rows)}
        return [values.get(row) for row in self.rows]

    def left_out(self, row: int, reason: str) -> Rejected:
        """Row number ``row`` as one that is left out."""
        at = bisect_left(self.table.numbers, row)
        line = self.table.lines[at] if at < len(self.table.numbers) else None
        return Rejected(row, reason, line, self.table.file_of(row))


def read(path: Path, settings: DataSettings, also: Sequence[Path] = (), signs: str = "") -> Dataset:
    """The examples in ``path`` and the files ``also`` read after it, mended as ``settings`` say.

    A report on them is made sooner if ``signs`` are those of ``finetune.data.glance``.

    ``DataError`` if they cannot be read, are not understood, or have no row that serves.
    """
    return mended(read_tables([path, *also], settings, signs=signs), settings)


def mended(table: Table, settings: DataSettings) -> Dataset:
    """The examples in ``table`` with the mends of ``settings``: first those of rows, then those of examples."""
    dataset = understand(_on_table(table, settings.mends), settings)
    if settings.group or settings.stratify:
        dataset = replace(dataset, bare=_on_table(table, [mend for mend in settings.mends if not mend.everywhere]))
    for mend in settings.mends:
        dataset = mend.on_dataset(dataset)
    return dataset


def _on_table(table: Table, mends: Iterable[Mend]) -> Table:
    for mend in mends:
        table = mend.on_table(table)
    return table


def understand(table: Table, settings: DataSettings) -> Dataset:
    """The examples in ``table``, in the format that it has or that the settings name."""
    if not table.rows:
        raise _nothing_left(table.rejected, table.total_rows)
    form, recognition = choose_format(table, settings)
    if form.refusal:
        raise DataError(
            f"{form.refusal} ({table.total_rows:,} rows)",
            f"{recognition.reason} Add a column with the answers, or say which column has them.",
        )
    data = Dataset(
        kind=form.kind,
        format=form.name,
        title=form.title,
        reason=recognition.reason,
        confidence=recognition.score,
        columns=recognition.columns,
        rejected=list(table.rejected),
        total_rows=table.total_rows,
        file_columns=table.columns,
        notes=list(table.notes),
        table=table,
    )

    def make(values: dict) -> list[dict]:
        return form.examples(values, recognition.columns, settings.system, settings.roles)

    data.examples, data.rows = _examples(data, make, form.plain(recognition.columns, settings.system))
    if not data.examples:
        raise _nothing_left(data.rejected, data.total_rows, form.title)
    return data


def _examples(
    data: Dataset, make: Callable[[dict], list[dict]], plain: Plain | None
) -> tuple[Sequence[dict], Sequence[int]]:
    """The examples that the rows of ``data`` give, and the row of each; a row that gives none is rejected.

    Rows that hold prose in all columns of ``plain`` are known to give one, so that they need not be tried.
    """
    table, rows = data.table, Numbers()
    examples = [] if table.size <= MEMORY_BYTES else Examples(table.rows, make, plain=plain)
    for is_plain, start, stop in _stretches(table, plain):
        if is_plain:
            examples.point_each(start, stop)
            rows.extend(table.numbers.stretch(start, stop))
        else:
            _try(data, make, start, stop, examples, rows)
    data.rejected.sort(key=lambda rejected: rejected.row)
    return examples, rows


def _stretches(table: Table, plain: Plain | None) -> Iterator[tuple[bool, int, int]]:
    """The rows of ``table`` by position, as stretches that hold prose in all columns of ``plain`` and that may not."""
    if plain is None or not isinstance(table.rows, Lines) or table.size <= MEMORY_BYTES:
        yield False, 0, len(table.rows)
        return
    import numpy as np

    is_plain = table.rows.hold_prose(column for _, column in plain.turns)
    bounds = [0, *(np.flatnonzero(is_plain[1:] != is_plain[:-1]) + 1).tolist(), len(is_plain)]
    yield from ((bool(is_plain[start]), start, stop) for start, stop in zip(bounds, bounds[1:]))


def _try(data: Dataset, make: Callable[[dict], list[dict]], start: int, stop: int, examples: Sequence, rows: Numbers):
    """Add what the rows from position ``start`` up to ``stop`` give to ``examples`` and ``rows``, or reject them."""
    numbers = data.table.numbers.stretch(start, stop)
    for position, (number, values) in enumerate(zip(numbers, data.table.rows.walk(start, stop)), start):
        try:
            made = make(values)
        except RowError as error:
            data.rejected.append(data.left_out(number, str(error)))
            continue
        if isinstance(examples, list):
            examples += made
        else:
            examples.point(position, len(made))
        rows.extend([number] * len(made))


def _nothing_left(rejected: list[Rejected], total: int, title: str = "") -> DataError:
    """That no row can be learnt from, with what is wrong with the first."""
    first = rejected[0]
    return DataError(
        f"{none_can(total)} be learnt from. {first.where.capitalize()}: {first.reason}",
        f'They were read as "{title}"; choose another format or other columns if that is wrong.' if title else "",
    )


def choose_format(table: Table, settings: DataSettings) -> tuple[Format, Recognition]:
    """The format of ``table`` and its columns: what the settings say, and for the rest what the rows show."""
    step = max(1, len(table.rows) // SAMPLE_ROWS)
    sample = table.rows[::step][:SAMPLE_ROWS]
    if settings.format != "auto":
        return _named(table, settings, sample)
    fitting = [form for form in FORMATS.values() if settings.columns.keys() <= {part.name for part in form.parts}]
    found = [(form, form.recognise(table.columns, sample, settings.columns, settings.roles)) for form in fitting]
    ranked = sorted((pair for pair in found if pair[1]), key=_rank)
    if not ranked:
        raise DataError(
            f"It is not clear what to learn from these columns: {', '.join(table.columns)}.",
            "Say which column plays which part, for example which is the prompt and which the completion.",
        )
    return ranked[0]


def _rank(pair: tuple[Format, Recognition]) -> tuple[int, float]:
    """What serves comes first; then what has its columns but no row, so that the reason can be told; then refusals."""
    form, seen = pair
    return 2 if form.refusal else 1 if not seen.score else 0, -seen.score * form.weight


def held_out_path(path: Path, settings: DataSettings) -> Path | None:
    """The file of rows kept for checking: the one the settings name, else ``NAME.held-out.EXT`` beside it, else None.

    A named file is in the folder of the data, or both are uploads, each in a folder of its own; so a recipe cannot name
    any other file of the machine. ``DataError`` if it is not there.
    """
    path = Path(path)
    if settings.held_out:
        *_, folder, name = ("", "", *Path(settings.held_out).parts)
        are_uploads = UPLOAD.fullmatch(path.parent.name) and UPLOAD.fullmatch(folder)
        named = (path.parent.parent / folder if are_uploads else path.parent) / name
        if not os.path.isfile(named):  # a Path's own method raises for a name that is too long
            shown = settings.held_out[:200]
            raise DataError(f"There is no file {shown!r} of rows kept for checking.", "Upload it, or check its name.")
        return named
    beside = path.with_name(f"{path.stem}.held-out{path.suffix}")
    return beside if os.path.isfile(beside) else None


def read_sides(
    path: Path, settings: DataSettings, seed: int, also: Sequence[Path] = ()
) -> tuple[Dataset, Sequence[dict], Sequence[dict]]:
    """The data at ``path``, its examples to learn from, and those kept for checking (see ``split``).

    What a person should know of the split joins the notes of the dataset.
    """
    dataset, beside = read(path, settings, also), held_out_path(path, settings)
    held_out = read(beside, settings.changed(mends=settings.mends_everywhere)) if beside else None
    sides = split(dataset, held_out, settings, seed)
    return replace(dataset, notes=dataset.notes + sides.notes), sides.train, sides.held_out


def _named(table: Table, settings: DataSettings, sample: list[dict]) -> tuple[Format, Recognition]:
    """The format that the settings name, with their columns, and for parts they leave out what the rows show."""
    form = FORMATS.get(settings.format)
    if form is None:
        raise DataError(f'There is no format "{settings.format}".', f"There are: auto, {', '.join(FORMATS)}.")
    names = [part.name for part in form.parts]
    unknown = [part for part in settings.columns if part not in names]
    if unknown:
        raise DataError(f'{form.title} has no part "{unknown[0]}".', f"Its parts are: {', '.join(names)}.")
    check_roles(settings.roles)
    columns = form.find(table.columns, sample, settings.columns)
    if missing := form.missing(columns):
        raise DataError(
            f"{form.title}: it is not clear which column is the {' and the '.join(missing)}.",
            f"There are: {', '.join(table.columns)}.",
        )
    return form, Recognition(1.0, f"{form.title}, as you chose.", columns)

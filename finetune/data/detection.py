"""Detection: the format of a table's rows, and the examples they give.

Settings override what is detected; rows are rejected with a reason, never changed.
"""

from collections.abc import Callable, Iterator, Sequence

from finetune.data.dataset import Dataset
from finetune.data.examples import Examples
from finetune.data.formats import FORMATS, Format, Plain, Recognition, RowError
from finetune.data.formats.mapping import check_roles
from finetune.data.settings import DataSettings
from finetune.data.store import MEMORY_BYTES, Lines, Numbers
from finetune.data.table import Rejected, Table, none_can
from finetune.errors import DataError

SAMPLE_ROWS = 200
"""Sampled rows by which the format is detected, evenly spaced: enough to show one odd row in a hundred."""


def dataset_of(table: Table, settings: DataSettings) -> Dataset:
    """The examples in ``table``, in the format that is detected or that the settings name."""
    if not table.rows:
        raise _nothing_left(table.rejected, table.total_rows)
    form, recognition = choose_format(table, settings)
    if form.refusal:
        raise DataError(
            f"{form.refusal} ({table.total_rows:,} rows)",
            f"{recognition.reason} Add a column with the answers, or assign the one that has them.",
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

    Rows with prose in all columns of ``plain`` surely give one, so that they are not tried.
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
    """Consecutive rows of ``table`` as (is plain, start, stop): True if all columns of ``plain`` surely hold prose."""
    if plain is None or not isinstance(table.rows, Lines) or table.size <= MEMORY_BYTES:
        yield False, 0, len(table.rows)
        return
    import numpy as np

    is_plain = table.rows.hold_prose(column for _, column in plain.turns)
    bounds = [0, *(np.flatnonzero(is_plain[1:] != is_plain[:-1]) + 1).tolist(), len(is_plain)]
    yield from ((bool(is_plain[start]), start, stop) for start, stop in zip(bounds, bounds[1:]))


def _try(data: Dataset, make: Callable[[dict], list[dict]], start: int, stop: int, examples: Sequence, rows: Numbers):
    """Add the examples of the rows from position ``start`` up to ``stop``, or reject the rows."""
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
    """The error that no row gives an example, with the reason for the first."""
    first = rejected[0]
    return DataError(
        f"{none_can(total)} be trained on. {first.where.capitalize()}: {first.reason}",
        f'They were detected as "{title}"; choose another format or other columns if that is wrong.' if title else "",
    )


def choose_format(table: Table, settings: DataSettings) -> tuple[Format, Recognition]:
    """The format of ``table`` and its columns: those of the settings, and the rest as detected."""
    step = max(1, len(table.rows) // SAMPLE_ROWS)
    sample = table.rows[::step][:SAMPLE_ROWS]
    if settings.format != "auto":
        return _named(table, settings, sample)
    fitting = [form for form in FORMATS.values() if settings.columns.keys() <= {field.name for field in form.fields}]
    found = [(form, form.recognize(table.columns, sample, settings.columns, settings.roles)) for form in fitting]
    ranked = sorted((pair for pair in found if pair[1]), key=_rank)
    if not ranked:
        raise DataError(
            f"No format fits these columns: {', '.join(table.columns)}.",
            "Assign columns to the fields of a format, for example to prompt and completion.",
        )
    return ranked[0]


def _rank(pair: tuple[Format, Recognition]) -> tuple[int, float]:
    """Formats that fit rows come first; then those with columns but no row, whose reason is reported; then refusals."""
    form, seen = pair
    return 2 if form.refusal else 1 if not seen.score else 0, -seen.score * form.weight


def _named(table: Table, settings: DataSettings, sample: list[dict]) -> tuple[Format, Recognition]:
    """The format that the settings name, with their columns, and the rest as detected."""
    form = FORMATS.get(settings.format)
    if form is None:
        raise DataError(f'There is no format "{settings.format}".', f"There are: auto, {', '.join(FORMATS)}.")
    names = [field.name for field in form.fields]
    unknown = [field for field in settings.columns if field not in names]
    if unknown:
        raise DataError(f'{form.title} has no field "{unknown[0]}".', f"Its fields are: {', '.join(names)}.")
    check_roles(settings.roles)
    columns = form.find(table.columns, sample, settings.columns)
    if missing := form.missing(columns):
        raise DataError(
            f"{form.title}: no column is assigned to the field {' and '.join(missing)}.",
            f"There are: {', '.join(table.columns)}.",
        )
    return form, Recognition(1.0, f"{form.title}, as you chose.", columns)

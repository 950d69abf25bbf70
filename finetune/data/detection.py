"""Detection: the format of a table's rows, and the examples they give.

Settings override what is detected; rows are rejected with a reason, never changed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from finetune.data.dataset import Dataset
from finetune.data.detected import AUTO
from finetune.data.examples import Examples
from finetune.data.explanation import EASE, Columns, Explanation, explain
from finetune.data.fixes import offering
from finetune.data.formats import FORMATS, Format, Plain, Recognition, RowError
from finetune.data.formats.contents import sample
from finetune.data.formats.mapping import check_roles, used
from finetune.data.marks import Marks, marks_of
from finetune.data.settings import DataSettings
from finetune.data.store import MEMORY_BYTES, Lines, Numbers
from finetune.data.table import Rejected, Table, none_can
from finetune.data.texts import is_prose
from finetune.errors import DataError


@dataclass(frozen=True)
class Choice:
    """The format that was chosen for a table."""

    form: Format
    seen: Recognition
    confidence: float
    unused: tuple[str, ...]
    """The columns that no part of the format reads."""
    notes: tuple[str, ...] = ()
    marks: Marks = Marks()
    """The columns that say how a row takes part."""


def dataset_of(table: Table, settings: DataSettings) -> Dataset:
    """The examples in ``table``, in the format that is detected or that the settings name."""
    if not table.rows:
        raise _nothing_left(table.rejected, table.total_rows)
    choice = choose_format(table, settings)
    form, columns = choice.form, choice.seen.columns
    if form.refusal and settings.format == AUTO and not form.is_certain(columns, choice.unused):
        raise DataError(
            f"{form.refusal} ({table.total_rows:,} rows)",
            f"{choice.seen.reason} {_where_answers_are(choice.unused)}",
        )
    data = Dataset(
        kind=form.kind,
        format=form.name,
        title=form.title,
        reason=choice.seen.reason,
        confidence=choice.confidence,
        columns=columns,
        rejected=list(table.rejected),
        total_rows=table.total_rows,
        file_columns=table.columns,
        unused=choice.unused,
        split=choice.marks.split,
        notes=[*table.notes, *choice.notes],
        table=table,
    )

    changing = [fix for fix in settings.fixes if fix.changes_examples]

    def make(values: dict) -> list[dict]:
        choice.marks.check(values)
        made = form.examples(values, columns, settings.system, settings.meanings)
        for fix in changing:
            made = [fix.on_example(example) for example in made]
        return made

    is_plain = not choice.marks.checks and not changing
    data.examples, data.rows = _examples(data, make, form.plain(columns, settings.system) if is_plain else None)
    if not data.examples:
        raise _nothing_left(data.rejected, data.total_rows, form.title)
    return data


def _where_answers_are(unused: tuple[str, ...]) -> str:
    """What to do about rows without answers."""
    if not unused:
        return "Add a column with the answers."
    listed = ", ".join(f'"{name}"' for name in unused)
    return (
        f"Assign the column that has the answers, if it is one of these: {listed}; else add one. If rewards shall "
        "check the answers, choose the format “Prompts only” (data.format: prompts)."
    )


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
            _try(data, make, start, stop, examples, rows, plain)
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


def _try(
    data: Dataset,
    make: Callable[[dict], list[dict]],
    start: int,
    stop: int,
    examples: Sequence,
    rows: Numbers,
    plain: Plain | None,
):
    """Add the examples of the rows from position ``start`` up to ``stop``, or reject the rows."""
    numbers = data.table.numbers.stretch(start, stop)
    columns = [column for _, column in plain.turns] if plain and isinstance(examples, Examples) else []
    for position, (number, values) in enumerate(zip(numbers, data.table.rows.walk(start, stop)), start):
        if columns and all(is_prose(values.get(column)) for column in columns):
            examples.point(position, 1)
            rows.append(number)
            continue
        try:
            made = make(values)
        except RowError as error:
            data.rejected.append(data.left_out(number, str(error), error.fix))
            continue
        if isinstance(examples, list):
            examples += made
        else:
            examples.point(position, len(made))
        rows.extend([number] * len(made))


def _nothing_left(rejected: list[Rejected], total: int, title: str = "") -> DataError:
    """The error that no row gives an example, with the reason for the first."""
    first = rejected[0]
    hint = f'They were detected as "{title}"; choose another format or other columns if that is wrong.' if title else ""
    return offering(
        DataError(f"{none_can(total)} be trained on. {first.where.capitalize()}: {first.reason}", hint), first.fix
    )


def choose_format(table: Table, settings: DataSettings) -> Choice:
    """The format of ``table`` and its columns: those of the settings, and the rest as detected."""
    rows = sample(table.rows)
    marks = marks_of(table.columns, rows, used(settings.columns) | {settings.group, settings.stratify})
    columns = Columns(tuple(name for name in table.columns if name not in marks.columns), rows)
    if settings.format != AUTO:
        form, seen = _named(columns, settings)
        return _choice(Explanation(form, seen, 1.0), columns, settings, marks, 1.0)
    fitting = [form for form in FORMATS.values() if settings.columns.keys() <= {field.name for field in form.fields}]
    found = ((form, form.recognize(columns.names, rows, settings.columns, settings.meanings)) for form in fitting)
    ranked = sorted((explain(form, seen, columns) for form, seen in found if seen), key=lambda each: each.rank)
    if not ranked:
        raise DataError(
            f"No format fits these columns: {', '.join(table.columns)}.",
            "Assign columns to the fields of a format, for example to prompt and completion.",
        )
    best = ranked[0]
    confidence = best.seen.served**EASE if settings.columns else best.confidence
    return _choice(best, columns, settings, marks, confidence, best.passed_over(ranked[1:]))


def _choice(
    best: Explanation, columns: Columns, settings: DataSettings, marks: Marks, confidence: float, note: str = ""
) -> Choice:
    """``best`` as the choice, with the columns that it leaves unused."""
    read = used(best.seen.columns) | {settings.group, settings.stratify}
    unused = tuple(name for name in columns.names if name not in read)
    notes = (*best.seen.notes, *marks.notes, *([note] if note else []))
    return Choice(best.form, best.seen, confidence, unused, notes, marks)


def _named(columns: Columns, settings: DataSettings) -> tuple[Format, Recognition]:
    """The format that the settings name, with their columns, and the rest as detected."""
    form = FORMATS.get(settings.format)
    if form is None:
        raise DataError(f'There is no format "{settings.format}".', f"There are: {AUTO}, {', '.join(FORMATS)}.")
    names = [field.name for field in form.fields]
    unknown = [field for field in settings.columns if field not in names]
    if unknown:
        raise DataError(f'{form.title} has no field "{unknown[0]}".', f"Its fields are: {', '.join(names)}.")
    check_roles(settings.meanings)
    found = form.find(columns.names, columns.rows, settings.columns)
    if form.missing(found):
        found |= form.guess(columns.names, columns.rows, found)
    if missing := form.missing(found):
        raise DataError(
            f"{form.title}: no column is assigned to the field {' and '.join(missing)}.",
            f"There are: {', '.join(columns.names)}.",
        )
    notes = tuple(form.notes(found, columns.rows))
    return form, Recognition(1.0, f"{form.title}, as you chose.", found, notes=notes)

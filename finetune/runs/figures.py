"""The figures of a run as a table: a row for each step that was trained or evaluated, as CSV or JSON.

It has what counts: of a run that was resumed, what was said of later steps than its checkpoint's is left out.
"""

import json
import math
from dataclasses import dataclass

from finetune.csv_file import csv_of
from finetune.runs.view import View

COLUMNS = (
    "step",
    "epoch",
    "loss",
    "learning_rate",
    "grad_norm",
    "tokens_per_s",
    "elapsed_s",
    "held_out_loss",
)
"""Those of every table. After them come the method's measures on training rows, on held-out rows, and the machine's."""

Value = int | float | None


@dataclass(frozen=True)
class Table:
    """Rows of numbers under the names of ``columns``; None where nothing was measured."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def records(self) -> list[dict[str, Value]]:
        """Each row by the names of its columns; what is no finite number is None, for JSON has none."""
        return [dict(zip(self.columns, map(_finite, row))) for row in self.rows]

    def csv(self) -> bytes:
        """The table as a CSV file; a loss that is no number is ``nan`` or ``inf``, and what is missing is empty."""
        return csv_of(self.columns, [["" if value is None else value for value in row] for row in self.rows])

    def json(self) -> bytes:
        """The records as a JSON file."""
        return json.dumps(self.records(), indent=1).encode()


FORMS = {"csv": Table.csv, "json": Table.json}
"""How a table is written, by the ending of its file."""


def table(view: View) -> Table:
    """The figures of ``view``; those measured on held-out rows are called ``held_out_…``."""
    found: dict[int, dict[str, Value]] = {}
    for step in view.steps:
        shared = {name: getattr(step, name) for name in COLUMNS if hasattr(step, name)}
        found[step.step] = shared | step.metrics | step.gauges
    for evaluation in view.evaluations:
        row = found.setdefault(evaluation.step, {"step": evaluation.step})
        row["held_out_loss"] = evaluation.loss
        row |= {f"held_out_{name}": value for name, value in evaluation.metrics.items()}
    measures = _names(step.metrics for step in view.steps)
    held_out = [f"held_out_{name}" for name in _names(each.metrics for each in view.evaluations)]
    columns = tuple(dict.fromkeys((*COLUMNS, *measures, *held_out, *_names(step.gauges for step in view.steps))))
    return Table(columns, tuple(tuple(found[step].get(name) for name in columns) for step in sorted(found)))


def _names(measured) -> list[str]:
    """The names in each of ``measured``, in the order in which they came first."""
    return list(dict.fromkeys(name for each in measured for name in each))


def _finite(value: Value) -> Value:
    return value if value is not None and math.isfinite(value) else None

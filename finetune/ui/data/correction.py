"""The form to correct or add a row by hand. What is written there becomes a fix in the recipe, and can be undone."""

from dataclasses import dataclass

import gradio as gr

from finetune import format
from finetune.data.dataset import Dataset
from finetune.data.fixes.add import Add
from finetune.data.fixes.correct import Correct
from finetune.data.fixes.fix import Fix
from finetune.errors import DataError
from finetune.ui.data import editor
from finetune.ui.data.counting import Counting
from finetune.ui.data.desk import Chosen, DataDesk
from finetune.ui.data.intake import MOST_PASTED
from finetune.ui.data.mapping import parts_of

MOST_COLUMNS = 6
"""Columns of a row that can be edited on the page: those that the format reads, then the others."""


@dataclass
class Correction:
    """The components."""

    bar: gr.Row
    drop: gr.Button
    correct: gr.Button
    add: gr.Button
    form: gr.Column
    heading: gr.HTML
    boxes: list[gr.Textbox]
    save: gr.Button
    cancel: gr.Button
    problem: gr.HTML
    row: gr.State
    """The number of the row being corrected; None for a new one."""

    def opened(self) -> list:
        """What opening the form changes."""
        return [self.row, self.form, self.heading, self.problem, *self.boxes]


def draw() -> Correction:
    """The buttons under a row, and the form they open."""
    with gr.Row(visible=False, elem_classes="actions", elem_id="row-actions") as bar:
        drop = gr.Button("Drop this row", size="sm", min_width=110, elem_id="drop-row")
        correct = gr.Button("Correct it", size="sm", min_width=90, elem_id="correct-row")
        add = gr.Button("Add a row", size="sm", min_width=90, elem_id="add-row")
    with gr.Column(visible=False, elem_id="row-form") as form:
        heading = gr.HTML()
        boxes = [
            gr.Textbox(visible=False, lines=2, max_lines=12, max_length=MOST_PASTED, elem_id=f"row-value-{n}")
            for n in range(MOST_COLUMNS)
        ]
        problem = gr.HTML()
        with gr.Row(elem_classes="actions"):
            save = gr.Button("Save", size="sm", variant="primary", min_width=90, elem_id="save-row")
            cancel = gr.Button("Cancel", size="sm", min_width=90, elem_id="cancel-row")
    return Correction(
        bar=bar,
        drop=drop,
        correct=correct,
        add=add,
        form=form,
        heading=heading,
        boxes=boxes,
        save=save,
        cancel=cancel,
        problem=problem,
        row=gr.State(None),
    )


def open_form(desk: DataDesk, is_new: bool, by: Counting, chosen: Chosen, index: int) -> list:
    """The form with the values of the row that is shown, or empty for a new one."""
    dataset = desk.checked(chosen.settings, by).dataset
    return _opened(dataset, dataset.rows[index], is_new)


def open_row(desk: DataDesk, number: str, chosen: Chosen, by: Counting) -> list:
    """The form with the values of row ``number``; unchanged if that is no number."""
    if not number.isdecimal():
        return [gr.skip()] * len(closed())
    return _opened(desk.checked(chosen.settings, by).dataset, int(number), is_new=False)


def closed() -> list:
    """Values of ``Correction.opened()`` while no row is being corrected."""
    return [None, gr.Column(visible=False), "", "", *[gr.Textbox("", visible=False)] * MOST_COLUMNS]


def refused(problem: str) -> list:
    """Values of ``Correction.opened()`` that keep the form and say what is wrong."""
    return [gr.skip(), gr.skip(), gr.skip(), problem, *[gr.skip()] * MOST_COLUMNS]


def _opened(dataset: Dataset, number: int, is_new: bool) -> list:
    """Values of ``Correction.opened()``."""
    values, text = _values(dataset, number), editor.blank if is_new else editor.written
    boxes = [gr.Textbox(text(values.get(column)), label=column, visible=True) for column in _columns(dataset)]
    boxes += [gr.Textbox("", visible=False)] * (MOST_COLUMNS - len(boxes))
    heading = "<h4>A new row</h4>" if is_new else f"<h4>Row {format.amount(number)}</h4>"
    return [None if is_new else number, gr.Column(visible=True), heading, "", *boxes]


def written(dataset: Dataset, number: int | None, like: int, texts: tuple) -> Fix | None:
    """The fix that writes ``texts`` into row ``number``, or adds a row if that is None; None if nothing changes.

    A new row is read like row ``like``; ``DataError`` says which text cannot be read.
    """
    before, columns = _values(dataset, number or like), _columns(dataset)
    values = {column: editor.read(text or "", before.get(column)) for column, text in zip(columns, texts)}
    if number is None:
        if not any(values.values()):
            raise DataError("The new row is empty.", "Fill in at least the columns that the format reads.")
        return Add(values=values)
    changed = {column: value for column, value in values.items() if value != before.get(column)}
    return Correct(row=number, values=changed) if changed else None


def _values(dataset: Dataset, number: int) -> dict:
    """The values of row ``number``; none if there is no such row (any more)."""
    table = dataset.table
    return next((table.rows[place] for place, each in enumerate(table.numbers) if each == number), {})


def _columns(dataset: Dataset) -> list[str]:
    """The columns to edit: those that the format reads, then the others."""
    mapped = [dataset.columns.get(part.name) for part in parts_of(dataset.format)]
    mapped = [column for column in mapped if column in dataset.file_columns]
    return list(dict.fromkeys([*mapped, *dataset.file_columns]))[:MOST_COLUMNS]

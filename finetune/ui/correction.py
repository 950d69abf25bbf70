"""Keeping, dropping, correcting and adding rows by hand. Each change is a mend in the recipe, and can be undone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import gradio as gr

from finetune.data.dataset import Dataset
from finetune.data.mends.add import Add
from finetune.data.mends.correct import Correct
from finetune.data.mends.drop import Drop
from finetune.data.mends.mend import Mend
from finetune.errors import DataError, FinetuneError
from finetune.ui import editor, views
from finetune.ui.mapping import parts_of
from finetune.ui.studio import Chosen, Studio, counting

MOST_COLUMNS = 6
"""Columns of a row that can be edited on the page: those that are learnt from, then the others."""


@dataclass
class Correction:
    """The components."""

    bar: gr.Row
    drop: gr.Button
    correct: gr.Button
    add: gr.Button
    form: gr.Group
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
        drop = gr.Button("Leave this row out", size="sm", min_width=110, elem_id="drop-row")
        correct = gr.Button("Correct it", size="sm", min_width=90, elem_id="correct-row")
        add = gr.Button("Add a row", size="sm", min_width=90, elem_id="add-row")
    with gr.Group(visible=False, elem_id="row-form") as form:
        heading = gr.HTML()
        boxes = [
            gr.Textbox(visible=False, lines=2, max_lines=12, elem_id=f"row-value-{n}") for n in range(MOST_COLUMNS)
        ]
        problem = gr.HTML()
        with gr.Row(elem_classes="actions"):
            save = gr.Button("Save", size="sm", variant="primary", min_width=90, elem_id="save-row")
            cancel = gr.Button("Cancel", size="sm", min_width=90)
    return Correction(bar, drop, correct, add, form, heading, boxes, save, cancel, problem, gr.State(None))


def wire(
    studio: Studio,
    parts: Correction,
    chosen: gr.State,
    index: gr.State,
    result: gr.HTML,
    shown: list,
    counted_by: list,
    show: Callable,
) -> None:
    """The buttons' events, and those in ``result`` that name a row; ``show`` draws the tab anew after a mend."""
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    at = [chosen, index, *counted_by]
    parts.drop.click(partial(drop_row, studio, show), at, shown, api_name="row_drop", **quiet)
    parts.correct.click(partial(open_form, studio, False), at, parts.opened(), api_name="row_correct", **quiet)
    parts.add.click(partial(open_form, studio, True), at, parts.opened(), api_name="row_add", **quiet)

    # Gradio finds an event argument by the function's own annotations, which a partial hides.
    def pick(chosen: Chosen | None, model: str, length: str, template: str, event: gr.EventData) -> list:
        return open_row(studio, event.pick, chosen, model, length, template)

    result.pick(pick, [chosen, *counted_by], parts.opened(), api_name="row_open", **quiet)
    parts.cancel.click(lambda: gr.Group(visible=False), None, parts.form, api_name="row_cancel", **quiet)
    parts.save.click(
        partial(save_row, studio, show, len(shown)),
        [parts.row, *at, *parts.boxes],
        [parts.problem, *shown],
        api_name="row_save",
        **quiet,
    )


def drop_row(studio: Studio, show: Callable, chosen: Chosen, index: int, *by) -> list:
    """The tab without the row that is shown."""
    row = studio.checked(chosen.settings, counting(*by)).dataset.rows[index]
    return _with(studio, show, chosen, index, by, Drop(rows=str(row)))


def open_form(studio: Studio, new: bool, chosen: Chosen, index: int, *by) -> list:
    """The form with the values of the row that is shown, or empty for a new one."""
    dataset = studio.checked(chosen.settings, counting(*by)).dataset
    return _opened(dataset, dataset.rows[index], new)


def open_row(studio: Studio, pick: str, chosen: Chosen | None, *by) -> list:
    """The form with the values of the row that ``pick`` names (``row:17``); any other pick leaves it as it is."""
    what, _, number = pick.partition(":")
    if what != "row" or chosen is None or not number.isdecimal():
        return [gr.skip()] * (4 + MOST_COLUMNS)
    return _opened(studio.checked(chosen.settings, counting(*by)).dataset, int(number), new=False)


def _opened(dataset: Dataset, number: int, new: bool) -> list:
    """Values of ``Correction.opened()``."""
    values = _values(dataset, number)
    boxes = [
        gr.Textbox(
            editor.blank(values.get(column)) if new else editor.written(values.get(column)), label=column, visible=True
        )
        for column in _columns(dataset)
    ]
    boxes += [gr.Textbox("", visible=False)] * (MOST_COLUMNS - len(boxes))
    heading = "<h4>A new row</h4>" if new else f"<h4>Row {views.amount(number)}</h4>"
    return [None if new else number, gr.Group(visible=True), heading, "", *boxes]


def save_row(studio: Studio, show: Callable, size: int, number: int | None, chosen: Chosen, index: int, *given) -> list:
    """What is wrong with the values, and the tab's ``size`` components as they are; or the row corrected or added."""
    by, texts = given[:-MOST_COLUMNS], given[-MOST_COLUMNS:]
    dataset = studio.checked(chosen.settings, counting(*by)).dataset
    before = _values(dataset, number or dataset.rows[index])
    columns = _columns(dataset)
    try:
        values = {column: editor.read(text or "", before.get(column)) for column, text in zip(columns, texts)}
        changed = {column: value for column, value in values.items() if number is None or value != before.get(column)}
        if not any(changed.values()) and number is None:
            raise DataError("The new row is empty.", "Fill in at least what is learnt from.")
    except FinetuneError as error:
        return [views.notice_of(error), *[gr.skip()] * size]
    mends = () if not changed else (Add(values=changed) if number is None else Correct(row=number, values=changed),)
    return ["", *_with(studio, show, chosen, index, by, *mends)]


def _with(studio: Studio, show: Callable, chosen: Chosen, index: int, by: tuple, *mends: Mend) -> list:
    settings = chosen.settings.changed(mends=(*chosen.settings.mends, *mends))
    return show(studio, settings, chosen.name, counting(*by), index=index).values()


def _values(dataset: Dataset, number: int) -> dict:
    """The values of row ``number``; none if there is no such row (any more)."""
    table = dataset.table
    return next((table.rows[place] for place, each in enumerate(table.numbers) if each == number), {})


def _columns(dataset: Dataset) -> list[str]:
    """The columns to edit: those that play a part, then the others."""
    played = [dataset.columns.get(part.name) for part in parts_of(dataset.format)]
    played = [column for column in played if column in dataset.file_columns]
    return list(dict.fromkeys([*played, *dataset.file_columns]))[:MOST_COLUMNS]

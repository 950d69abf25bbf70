"""Mixing in other rows: further data sets with a weight, and general rows against forgetting.

All of it is settings of the data, so that the recipe has it.
"""

from dataclasses import dataclass
from html import escape

import gradio as gr
from pydantic import ValidationError

from finetune import format
from finetune.data.settings import DataSettings, Mixed
from finetune.errors import DataError
from finetune.settings import problems_of
from finetune.ui import views
from finetune.ui.data.desk import SUFFIXES
from finetune.ui.data.mixture import Mixture
from finetune.ui.data.samples import FOLDER, called, sample_entries
from finetune.ui.method.cards import PICK

TITLE = "Mix in other rows"
GENERAL = "general"
"""What the button that removes the general rows says after ``unmix:``; those of data sets say their place."""


@dataclass
class Mixing:
    """The components."""

    fold: gr.Accordion
    listed: gr.HTML
    problem: gr.HTML
    share: gr.Number
    """Percent."""
    starter: gr.Button
    general: gr.UploadButton
    weight: gr.Number
    sample: gr.Dropdown
    add: gr.Button
    file: gr.UploadButton

    def shown(self) -> list:
        """The components of ``listing``."""
        return [self.fold, self.listed, self.problem]


def draw() -> Mixing:
    """What is mixed in, and the two ways to add to it, in a fold."""
    types = list(SUFFIXES)
    with gr.Accordion(TITLE, open=False, visible=False, elem_id="mixing") as fold:
        listed = gr.HTML(js_on_load=PICK, elem_id="mixed")
        problem = gr.HTML(elem_id="mixing-problem")
        gr.HTML(
            "<h4>Against forgetting</h4>"
            + views.small(
                "A few general rows keep what the model could do before while it learns your task. Leave them out "
                "where yours teach a voice for every answer: they would teach the opposite. The starter's rows are "
                "for the starter model alone, for they also teach its name."
            )
        )
        share = gr.Number(
            10,
            label="Their share, in %",
            info="Of all rows it learns from: 10 means one in ten.",
            step=5,
            elem_id="mix-share",
        )
        with gr.Row(elem_classes="actions"):
            starter = gr.Button("Mix in what the starter knows", size="sm", elem_id="mix-starter")
            general = gr.UploadButton("Mix in general rows of mine", file_types=types, size="sm", elem_id="mix-general")
        gr.HTML(
            "<h4>Another data set</h4>"
            + views.small("To learn two things in one run. A file with the columns of yours is read in the same way.")
        )
        with gr.Row(elem_classes="fields"):
            sample = gr.Dropdown(
                [(entry["title"], f"{FOLDER}/{entry['file']}") for entry in sample_entries()],
                label="Sample",
                info="One that ships with the studio.",
                filterable=False,
                min_width=200,
                elem_id="mix-sample",
            )
            weight = gr.Number(
                0.5,
                label="Weight",
                info="0.5 means one of its rows for every two of yours.",
                step=0.5,
                min_width=200,
                elem_id="mix-weight",
            )
        with gr.Row(elem_classes="actions"):
            add = gr.Button("Mix in this sample", size="sm", elem_id="mix-add")
            file = gr.UploadButton("Mix in a file of mine", file_types=types, size="sm", elem_id="mix-file")
    return Mixing(fold, listed, problem, share, starter, general, weight, sample, add, file)


def with_rows(settings: DataSettings, path: str, weight: float | None, columns: tuple[str, ...] = ()) -> DataSettings:
    """``settings`` with the data set at ``path``, which has these ``columns``, mixed in; again, with another weight.

    It is read as the main data is, if a person said how and it has the columns for it.
    """
    if path in (settings.path, *settings.also):
        raise DataError("These are the rows that it learns from already.", "Choose another data set.")
    weight, reading = weight or 0, {}
    if not 0 < weight <= 100:
        raise DataError(f"The weight cannot be {weight:g}.", "Choose more than 0 and at most 100.")
    if settings.columns and set(settings.columns.values()) <= set(columns):
        reading = {"format": settings.format, "columns": settings.columns}
    others = [each for each in settings.mix if each.path != path]
    try:
        return settings.changed(mix=[*others, Mixed(path=path, weight=weight, **reading)])
    except ValidationError as error:
        raise DataError("It cannot be mixed in so.", problems=tuple(problems_of(error))) from None


def with_general(settings: DataSettings, path: str, percent: float | None) -> DataSettings:
    """``settings`` with the general rows at ``path``, so many that they are ``percent`` of all."""
    percent = percent or 0
    if not 0 < percent <= 90:
        raise DataError(f"General rows cannot be {percent:g} % of all.", "Choose more than 0 and at most 90 %.")
    if path in (settings.path, *settings.also):
        raise DataError("These are the rows that it learns from already.", "Choose other rows.")
    return settings.changed(replay=path, replay_share=percent / 100)


def without(settings: DataSettings, which: str) -> DataSettings:
    """``settings`` without the general rows, or without the data set whose place, from 0, is ``which``."""
    if which == GENERAL:
        return settings.changed(replay=None, replay_share=DataSettings.model_fields["replay_share"].default)
    return settings.changed(mix=[each for place, each in enumerate(settings.mix) if str(place) != which])


def listing(settings: DataSettings, mixture: Mixture, visible: bool = True) -> list:
    """Values of ``Mixing.shown()``: what ``settings`` mix in and what comes of it, with a button to remove each."""
    label = f"{TITLE} ({format.amount(mixture.rows)} mixed in)" if mixture.rows else TITLE
    fold = {"open": True} if mixture.problem else {}
    problem = views.notice_of(mixture.problem) if mixture.problem else ""
    return [gr.Accordion(label=label, visible=visible, **fold), _listed(settings, mixture), problem]


def _listed(settings: DataSettings, mixture: Mixture) -> str:
    counts = [len(portion.examples) for portion in mixture.portions]
    lines = [
        _line(called(each.path), f"weight {each.weight:g}", counts[place : place + 1], str(place))
        for place, each in enumerate(settings.mix)
    ]
    if settings.replay:
        share = f"{100 * settings.replay_share:g}\u00a0% of all"
        lines.append(_line(called(settings.replay), share, counts[len(settings.mix) :], GENERAL))
    if not lines:
        return ""
    total = (
        f"It learns from {format.counted(mixture.own, 'row')} of yours and {format.amount(mixture.rows)} mixed in. "
        "Rows kept for checking are yours alone."
    )
    notes = "".join(views.small(note) for note in ((total, *mixture.notes) if mixture.portions else ()))
    return f"<ul class='notes'>{''.join(lines)}</ul>{notes}"


def _line(name: str, how: str, counts: list[int], which: str) -> str:
    """One data set; ``counts`` is empty where nothing can be mixed in."""
    rows = f"{format.counted(counts[0], 'row')}, " if counts else ""
    return (
        f"<li>{escape(name)}: {rows}{escape(how)} <button type='button' class='fix' data-pick='unmix:{which}' "
        f"aria-label='Remove {escape(name)}'>Remove</button></li>"
    )

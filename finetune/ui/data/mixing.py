"""Mixing in other rows: further datasets with a weight, and replay data against catastrophic forgetting.

All of it is settings of the data, so the recipe has it.
"""

from dataclasses import dataclass
from html import escape

import gradio as gr
from pydantic import ValidationError

from finetune import format
from finetune.data.readers import SUFFIXES
from finetune.data.settings import DataSettings, Mixed
from finetune.errors import DataError
from finetune.settings import problems_of
from finetune.ui import views
from finetune.ui.data.mixture import Mixture
from finetune.ui.data.samples import FOLDER, sample_entries, title_of

TITLE = "Mix in other data"
REPLAY = "replay"
"""The detail of the button that removes the replay data, after ``unmix:``; that of a dataset is its place."""
REPLAY_HELP = (
    "Replay data: a few rows of general conversation, so that the model keeps its other abilities while it learns your "
    "task. Leave them out where your rows teach a tone for every answer: replay data would teach the opposite. The "
    "starter's replay data is for the starter model only, because it also teaches the model's name."
)
DATASET_HELP = "Train on two datasets in one run. A file with the same columns as yours is read the same way."


@dataclass
class Mixing:
    """The components."""

    fold: gr.Accordion
    listed: gr.HTML
    problem: gr.HTML
    share: gr.Number
    """Percent."""
    starter: gr.Button
    replay: gr.UploadButton
    weight: gr.Number
    sample: gr.Dropdown
    add: gr.Button
    file: gr.UploadButton

    def listing(self) -> list:
        """The components of ``listing``."""
        return [self.fold, self.listed, self.problem]


def draw() -> Mixing:
    """What is mixed in, and the two ways to add to it, in a fold."""
    types = list(SUFFIXES)
    with gr.Accordion(TITLE, open=False, visible=False, elem_id="mixing") as fold:
        listed = gr.HTML(js_on_load=views.PICK, elem_id="mixed")
        problem = gr.HTML(elem_id="mixing-problem")
        gr.HTML(f"<h4>Against catastrophic forgetting</h4>{views.small(REPLAY_HELP)}")
        share = gr.Number(
            10,
            label="Replay share, in %",
            info="Of all training rows: 10 means one row in ten.",
            step=5,
            elem_id="mix-share",
        )
        with gr.Row(elem_classes="actions"):
            starter = gr.Button("Mix in the starter's replay data", size="sm", elem_id="mix-starter")
            replay = gr.UploadButton("Mix in replay data of mine", file_types=types, size="sm", elem_id="mix-replay")
        gr.HTML(f"<h4>Another dataset</h4>{views.small(DATASET_HELP)}")
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
    return Mixing(
        fold=fold,
        listed=listed,
        problem=problem,
        share=share,
        starter=starter,
        replay=replay,
        weight=weight,
        sample=sample,
        add=add,
        file=file,
    )


def with_rows(settings: DataSettings, path: str, weight: float | None, columns: tuple[str, ...] = ()) -> DataSettings:
    """``settings`` with the dataset at ``path``, which has these ``columns``, mixed in; again, with another weight.

    It is read the way the main data is, if a person chose how and it has the columns for it.
    """
    if path in (settings.path, *settings.also):
        raise DataError("This data is trained on already.", "Choose another dataset.")
    weight, reading = weight or 0, {}
    if not 0 < weight <= 100:
        raise DataError(f"The weight cannot be {weight:g}.", "Choose more than 0 and at most 100.")
    if settings.columns and set(settings.columns.values()) <= set(columns):
        reading = {"format": settings.format, "columns": settings.columns}
    others = [each for each in settings.mix if each.path != path]
    try:
        return settings.changed(mix=[*others, Mixed(path=path, weight=weight, **reading)])
    except ValidationError as error:
        raise DataError("It cannot be mixed in like this.", problems=tuple(problems_of(error))) from None


def with_replay(settings: DataSettings, path: str, percent: float | None) -> DataSettings:
    """``settings`` with the replay data at ``path``, which makes up ``percent`` of all training rows."""
    percent = percent or 0
    if not 0 < percent <= 90:
        raise DataError(f"Replay data cannot be {percent:g} % of all rows.", "Choose more than 0 and at most 90 %.")
    if path in (settings.path, *settings.also):
        raise DataError("This data is trained on already.", "Choose other rows.")
    return settings.changed(replay=path, replay_share=percent / 100)


def without(settings: DataSettings, which: str) -> DataSettings:
    """``settings`` without the replay data, or without the dataset whose place, from 0, is ``which``."""
    if which == REPLAY:
        return settings.changed(replay=None, replay_share=DataSettings.model_fields["replay_share"].default)
    return settings.changed(mix=[each for place, each in enumerate(settings.mix) if str(place) != which])


def listing(settings: DataSettings, mixture: Mixture, visible: bool = True) -> list:
    """Values of ``Mixing.listing()``: what ``settings`` mix in, how many rows that is, and buttons to remove it."""
    label = f"{TITLE} ({format.counted(mixture.rows, 'row')} mixed in)" if mixture.rows else TITLE
    fold = {"open": True} if mixture.problem else {}
    problem = views.notice_of(mixture.problem) if mixture.problem else ""
    return [gr.Accordion(label=label, visible=visible, **fold), _listed(settings, mixture), problem]


def _listed(settings: DataSettings, mixture: Mixture) -> str:
    counts = [len(portion.examples) for portion in mixture.portions]
    lines = [
        _line(title_of(each.path), f"weight {each.weight:g}", counts[place : place + 1], str(place))
        for place, each in enumerate(settings.mix)
    ]
    if settings.replay:
        share = f"{100 * settings.replay_share:g}\u00a0% of all"
        lines.append(_line(title_of(settings.replay), share, counts[len(settings.mix) :], REPLAY))
    if not lines:
        return ""
    total = (
        f"The run trains on {format.counted(mixture.own, 'row')} of yours and {format.amount(mixture.rows)} mixed in. "
        "Only your own rows are held out."
    )
    notes = "".join(views.small(note) for note in ((total, *mixture.notes) if mixture.portions else ()))
    return f"<ul class='notes'>{''.join(lines)}</ul>{notes}"


def _line(name: str, how: str, counts: list[int], which: str) -> str:
    """One dataset; ``counts`` is empty where nothing can be mixed in."""
    rows = f"{format.counted(counts[0], 'row')}, " if counts else ""
    button = views.pick_button(f"unmix:{which}", "Remove", f"Remove {name}")
    return f"<li>{escape(name)}: {rows}{escape(how)} {button}</li>"

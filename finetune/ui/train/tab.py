"""The Train tab: a run at work, or one that ended, read from its directory; the trainer never hears of the page."""

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import gradio as gr

from finetune.errors import FinetuneError
from finetune.runs.run import Run
from finetune.runs.view import ACTIVE, FINISHED, View
from finetune.ui import views
from finetune.ui.studio import Studio
from finetune.ui.train import progress, queue, runs
from finetune.ui.train.chart import loss_chart, metric_charts
from finetune.ui.train.standing import Standing, resume_label, standing, stop_label

BUTTONS = {"delete": "Delete", "pause": "Pause", "stop": "Stop and keep", "resume": "Resume",
           "further": "Train further", "download": "Download", "compare": "Compare"}  # fmt: skip
"""What can be asked of a run, in the order shown."""
SHORT = 1000
"""Characters that are sent again rather than left out."""
REDRAWN = 0.01
"""A chart with less than this share of new steps looks the same."""
IDS = {"compare": "to-compare"}
"""What a button is called on the page where it is not its name."""


@dataclass
class Parts:
    """What other tabs and the wires need of this tab."""

    run: gr.Dropdown
    watching: gr.State
    """The run that the person chose to watch; None follows the newest. The clock reads this and not the chooser, whose
    value Gradio refuses once the server has forgotten its choices."""
    offers: gr.HTML
    head: gr.HTML
    spoken: gr.HTML
    line: gr.HTML
    charts: gr.HTML
    answers: gr.HTML
    details: gr.HTML
    buttons: dict[str, gr.Button]
    """What can be asked of the run, by name: ``delete``, ``pause``, ``stop``, ``resume``, ``further``, …"""
    ready: gr.DownloadButton
    notice: gr.HTML
    beside: runs.Parts

    def looked(self) -> list:
        """The components of ``Look``, in its order."""
        shown = [self.offers, self.head, self.spoken, self.line, self.charts, self.answers, self.details]
        return [*shown, *self.buttons.values()]


def unchanged(value: str) -> str | dict:
    """The update of a component that stays as it is: a short ``value`` once more, else ``gr.skip()``.

    Gradio makes the component anew for a skip, too (0.6 ms), and a dozen of them each second slow a training down.
    """
    return value if len(value) < SHORT else gr.skip()


class Look(NamedTuple):
    """The tab's values for one run at one moment; equal looks need no redrawing."""

    offers: str
    head: str
    spoken: str
    line: str
    charts: str
    answers: str
    details: str
    delete: str = ""
    pause: str = ""
    stop: str = ""
    resume: str = ""
    further: str = ""
    download: str = ""
    compare: str = ""
    """From ``delete`` on: what the button says; empty if it is not shown."""

    def values(self, earlier: "Look | None" = None) -> list:
        """One update for each of ``Parts.looked()``, as small as can be where it looked just so ``earlier``."""
        lead = "compare" if self.compare else "resume"
        return [
            unchanged(value)
            if earlier and earlier[at] == value
            else _label(value, name == lead)
            if name in BUTTONS
            else value
            for at, (name, value) in enumerate(zip(self._fields, self))
        ]


def draw(studio: Studio) -> Parts:
    """The tab's components."""
    with gr.Row(elem_classes="title-row"):
        gr.HTML(views.lead("Watch it learn."))
        run = gr.Dropdown(
            [], label="Run", show_label=False, filterable=False, elem_id="train-run", scale=0, min_width=400
        )
    offers = gr.HTML(js_on_load=views.PICK, elem_id="offers")
    head = gr.HTML(nothing_yet(), elem_id="run-head")
    spoken = gr.HTML(elem_id="spoken", elem_classes="visually-hidden")
    with gr.Row(elem_classes="primary-row run-buttons"):
        buttons = {name: _button(name, words) for name, words in BUTTONS.items()}
        ready = gr.DownloadButton(visible="hidden", elem_id="download-ready")
    notice = gr.HTML(js_on_load=views.PICK, elem_id="run-notice")
    line = gr.HTML(js_on_load=queue.FOCUS, elem_id="line")
    with gr.Row(elem_classes="halves", equal_height=False):
        with gr.Column(min_width=300):
            charts = gr.HTML(elem_id="charts")
        with gr.Column(min_width=300):
            answers = gr.HTML(elem_id="answers")
    beside = runs.draw(studio)
    with gr.Accordion("What was chosen, and why", open=False, elem_id="details"):
        details = gr.HTML(views.small("Nothing yet."))
    shown = (offers, head, spoken, line, charts, answers, details)
    return Parts(run, gr.State(None), *shown, buttons, ready, notice, beside)


def _button(name: str, words: str) -> gr.Button:
    width = {"delete": 100, "compare": 220}.get(name, 150)
    return gr.Button(words, visible=False, elem_id=IDS.get(name, name), scale=0, min_width=width)


def _label(words: str, leads: bool) -> gr.Button:
    """A button that says ``words`` and may be the one that leads on; hidden if there is nothing to say."""
    if not words:
        return gr.Button(visible=False)
    return gr.Button(words, visible=True, variant="primary" if leads else "secondary")


def wire(studio: Studio, parts: Parts) -> list:
    """The tab's own events, and of them those that the clock is to follow at once; the clock is in ``page``."""
    runs.wire(studio, parts.beside)
    options = {"show_progress": "hidden", "api_visibility": "private"}
    asked = [
        parts.buttons[name].click(
            partial(ask, studio, name), parts.run, parts.notice, api_name=f"train_{name}", **options
        )
        for name in ("stop", "pause", "resume")
    ]

    def pick(event: gr.EventData) -> tuple:
        notice, run_id = queue.act(studio, event.pick)
        return notice, run_id or gr.skip()

    asked += [
        part.pick(pick, None, [parts.notice, parts.watching], api_name=f"train_{part.elem_id}", **options)
        for part in (parts.offers, parts.line, parts.notice)
    ]
    parts.buttons["delete"].click(
        partial(queue.confirmation, studio), parts.run, parts.notice, api_name="train_delete", **options
    )
    parts.run.input(lambda: "", None, parts.notice, api_name="train_hush", **options)
    parts.buttons["download"].click(
        partial(download, studio),
        parts.run,
        [parts.ready, parts.notice],
        api_name="train_download",
        api_visibility="private",
        show_progress_on=parts.buttons["download"],
    ).success(
        None,
        None,
        None,
        js="() => { const link = document.querySelector('#download-ready'); if (link) link.click(); }",
        api_visibility="private",
    )
    return asked


def look(studio: Studio, run_id: str | None) -> Look:
    """The tab as it should look now for the run ``run_id``."""
    run = studio.find_run(run_id)
    if run is None:
        return Look("", nothing_yet(), "", "", "", "", views.small("Nothing yet."))
    view = studio.view(run)
    stands = standing(studio, run, view)
    return Look(
        offers=queue.offers(studio),
        head=progress.head(view, stands),
        spoken=progress.spoken(view),
        line=queue.line(studio),
        charts=drawn(studio, run, view),
        answers=progress.answers(view),
        details=progress.details(view),
        **labels(view, stands),
    )


def drawn(studio: Studio, run: Run, view: View) -> str:
    """The charts of a run, drawn anew when there is something new to be seen in them."""
    steps = len(view.steps)
    seen = steps - steps % max(1, int(steps * REDRAWN))
    key = (run.id, view.state, view.total_steps, len(view.evaluations), seen)
    return studio.charts.get(key, lambda: loss_chart(view) + metric_charts(view)) or before_charts(view)


def labels(view: View, stands: Standing) -> dict[str, str]:
    """What the buttons say that fit the state, by name."""
    shown = {"stop": stop_label(view), "resume": "" if stands.is_offered else resume_label(view, stands)}
    if view.state in ("preparing", "running"):
        shown["pause"] = BUTTONS["pause"]
    if view.state not in ("queued", *ACTIVE):
        shown["delete"] = BUTTONS["delete"]
    if view.has_model and view.state in FINISHED:
        shown |= {name: BUTTONS[name] for name in ("download", "compare")}
    if view.has_model and view.state == "done":
        shown["further"] = BUTTONS["further"]
    return shown


def nothing_yet() -> str:
    """What the tab says before there is any run."""
    return views.empty("Nothing has been trained yet.", "Choose data, then a method, and press “Start training”.")


def before_charts(view: View) -> str:
    """What stands in the charts' place until there is a first step."""
    if view.state in ("queued", *ACTIVE):
        return views.empty("Its progress is drawn here from the first step on.")
    return ""


def choices(studio: Studio, with_model: bool = False) -> list[tuple[str, str]]:
    """The runs to choose from, newest first; only those that can be talked to if ``with_model``."""
    return [
        (views.run_label(run.id, view), run.id)
        for run, view in studio.views()
        if not with_model or (view.has_model and view.state in FINISHED)
    ]


def ask(studio: Studio, what: str, run_id: str | None) -> str:
    """Ask the run to ``stop``, ``pause`` or ``resume``; what to tell the person who did."""
    try:
        if run_id:
            {"stop": partial(queue.stop, studio), "pause": studio.queue.pause, "resume": studio.queue.resume}[what](
                run_id
            )
        return ""
    except FinetuneError as error:
        return views.notice_of(error)


def download(studio: Studio, run_id: str | None) -> tuple[str | None, str]:
    """The path of a zip of what the run learnt, or None and why there is none."""
    from finetune.exports.model import zip_adapter

    try:
        run = studio.workspace.run(run_id or "")
        return str(zip_adapter(run, Path(tempfile.mkdtemp()))), ""
    except FinetuneError as error:
        return None, views.notice_of(error)
    except FileNotFoundError:
        return None, views.notice("The run was deleted while it was packed.", "There is nothing left to download.")

"""The Train tab: a run at work, or one that ended, read from its directory; the trainer never hears of the page."""

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import gradio as gr

from finetune.errors import FinetuneError
from finetune.ui import progress, runs, views
from finetune.ui.chart import loss_chart, metric_charts
from finetune.ui.studio import Studio, as_run
from finetune.view import ACTIVE, FINISHED, View


@dataclass
class Parts:
    """What other tabs and the wires need of this tab."""

    run: gr.Dropdown
    watching: gr.State
    """The run that the person chose to watch; None follows the newest. The clock reads this and not the chooser, whose
    value Gradio refuses once the server has forgotten its choices."""
    head: gr.HTML
    spoken: gr.HTML
    charts: gr.HTML
    answers: gr.HTML
    details: gr.HTML
    stop: gr.Button
    download: gr.Button
    ready: gr.DownloadButton
    compare: gr.Button
    notice: gr.HTML
    beside: runs.Parts

    def looked(self) -> list:
        """The components of ``Look``, in its order."""
        return [self.head, self.spoken, self.charts, self.answers, self.details, self.stop, self.download, self.compare]


class Look(NamedTuple):
    """The tab's values for one run at one moment; equal looks need no redrawing."""

    head: str
    spoken: str
    charts: str
    answers: str
    details: str
    can_stop: bool
    can_download: bool
    can_compare: bool

    def values(self) -> list:
        """One update for each of ``Parts.looked()``."""
        buttons = [gr.Button(visible=shown) for shown in (self.can_stop, self.can_download, self.can_compare)]
        return [*self[:5], *buttons]


def draw(studio: Studio) -> Parts:
    """The tab's components."""
    with gr.Row(elem_classes="title-row"):
        gr.HTML(views.lead("Watch it learn."))
        run = gr.Dropdown(
            [], label="Run", show_label=False, filterable=False, elem_id="train-run", scale=0, min_width=320
        )
    head = gr.HTML(nothing_yet(), elem_id="run-head")
    spoken = gr.HTML(elem_id="spoken", elem_classes="visually-hidden")
    with gr.Row(elem_classes="primary-row"):
        stop = gr.Button("Stop and keep", visible=False, elem_id="stop", scale=0, min_width=180)
        download = gr.Button("Download", visible=False, elem_id="download", scale=0, min_width=180)
        compare = gr.Button("Compare", variant="primary", visible=False, elem_id="to-compare", scale=0, min_width=220)
        ready = gr.DownloadButton(visible="hidden", elem_id="download-ready")
    notice = gr.HTML()
    with gr.Row(elem_classes="halves", equal_height=False):
        with gr.Column(min_width=300):
            charts = gr.HTML(elem_id="charts")
        with gr.Column(min_width=300):
            answers = gr.HTML(elem_id="answers")
    beside = runs.draw(studio)
    with gr.Accordion("What was chosen, and why", open=False, elem_id="details"):
        details = gr.HTML(views.small("Nothing yet."))
    return Parts(
        run, gr.State(None), head, spoken, charts, answers, details, stop, download, ready, compare, notice, beside
    )


def wire(studio: Studio, parts: Parts) -> None:
    """The tab's own events; the clock is in ``page``."""
    runs.wire(studio, parts.beside)
    options = {"show_progress": "hidden", "api_visibility": "private"}
    parts.stop.click(partial(stop, studio), parts.run, parts.notice, api_name="train_stop", **options)
    parts.download.click(
        partial(download, studio),
        parts.run,
        [parts.ready, parts.notice],
        api_name="train_download",
        api_visibility="private",
        show_progress_on=parts.download,
    ).success(
        None,
        None,
        None,
        js="() => { const link = document.querySelector('#download-ready'); if (link) link.click(); }",
        api_visibility="private",
    )


def look(studio: Studio, run_id: str | None) -> Look:
    """The tab as it should look now for the run ``run_id``."""
    run = as_run(studio, run_id)
    if run is None:
        return Look(nothing_yet(), "", "", "", views.small("Nothing yet."), False, False, False)
    view = studio.view(run)
    usable = view.has_model and view.state in FINISHED
    return Look(
        head=progress.head(view),
        spoken=progress.spoken(view),
        charts=loss_chart(view) + metric_charts(view) or before_charts(view),
        answers=progress.answers(view),
        details=progress.details(view),
        can_stop=view.state in ("queued", *ACTIVE) and view.state != "stopping",
        can_download=usable,
        can_compare=usable,
    )


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


def stop(studio: Studio, run_id: str | None) -> str:
    """What to tell the person who pressed Stop."""
    try:
        if run_id:
            studio.jobs.stop(run_id)
        return ""
    except FinetuneError as error:
        return views.notice_of(error)


def download(studio: Studio, run_id: str | None) -> tuple[str | None, str]:
    """The path of a zip of what the run learnt, or None and why there is none."""
    from finetune.export import zip_adapter

    try:
        run = studio.workspace.run(run_id or "")
        return str(zip_adapter(run, Path(tempfile.mkdtemp()))), ""
    except FinetuneError as error:
        return None, views.notice_of(error)

"""The Train tab: a run at work, or one that ended, read from its directory; the trainer never hears of the page."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import gradio as gr

from finetune.runs.run import Run
from finetune.runs.view import ACTIVE, View
from finetune.ui import chooser, downloads, inputs, views
from finetune.ui.chooser import Chooser
from finetune.ui.studio import Studio
from finetune.ui.train import curves, folds, handover, judgements, log, notify, progress, queue, runs
from finetune.ui.train.actions import ACTIONS, Action, Command, act, attempt
from finetune.ui.train.chart import main_charts
from finetune.ui.train.curves import further_charts
from finetune.ui.train.folds import Content, Fold
from finetune.ui.train.standing import Standing
from finetune.ui.views import QUIET

SHORT = 1000
"""Characters that are sent again rather than left out."""
REDRAWN = 0.01
"""A chart with less than this share of new steps looks the same."""


class Moment(NamedTuple):
    """One run at one moment."""

    studio: Studio
    run: Run
    view: View
    standing: Standing


@dataclass(frozen=True)
class Pane:
    """A part of the tab that shows something of the run, as HTML."""

    name: str
    """Its id on the page."""
    place: str
    """``top`` and ``middle`` (above and below the buttons), ``left``, ``right``, or ``details`` in a fold."""
    html: Callable[[Moment], str]
    empty: str = ""
    """What it shows before there is any run."""
    options: dict = field(default_factory=dict)
    """Further arguments of its component."""


def charts(moment: Moment) -> str:
    """The charts of a run, redrawn when there is something new to be seen in them."""
    run, view = moment.run, moment.view
    key = (run.id, *drawn_at(view))
    return moment.studio.charts.get(key, lambda: main_charts(view)) or before_charts(view)


def before_charts(view: View) -> str:
    """What the place of the charts shows until there is a first step."""
    if view.state in ("queued", *ACTIVE):
        return views.empty("The loss curve appears here after the first step.")
    return ""


NOTHING_YET = views.empty("No runs yet.", "Choose data, then a method, and press “Start training”.")

PANES = (
    Pane("offers", "top", lambda at: queue.offers(at.studio), options={"js_on_load": views.PICK}),
    Pane("run-head", "top", lambda at: progress.head(at.view, at.standing), NOTHING_YET),
    Pane("spoken", "top", lambda at: progress.spoken(at.view), options={"elem_classes": "visually-hidden"}),
    Pane("queue", "middle", lambda at: queue.panel(at.studio), options={"js_on_load": queue.FOCUS}),
    Pane("charts", "left", charts),
    Pane("answers", "right", lambda at: progress.answers(at.view)),
    Pane("run-details", "details", lambda at: progress.details(at.view), views.small("Nothing yet.")),
)
"""Everything the tab shows of a run beside its buttons; a new pane is one entry."""


def drawn_at(view: View) -> tuple:
    """What the charts of a run show: equal where a new one would look the same."""
    steps = len(view.steps)
    return view.state, view.total_steps, len(view.evaluations), steps - steps % max(1, int(steps * REDRAWN))


def logged(run: Run, view: View) -> str:
    """What a judge said, if there was one, and the last lines of the log."""
    return judgements.shown(run) + log.shown(run, view)


FOLDS = (
    Content(
        "curves",
        "More curves",
        lambda run, view: drawn_at(view),
        lambda run, view: further_charts(view),
        curves.NOTHING,
    ),
    Content("log", "Log", lambda run, view: (view.revision, view.state), logged, log.NOTHING),
)
"""What is drawn of a run only while a person has opened it; a new fold is one entry."""

NAMES = tuple(each.name for each in (*PANES, *ACTIONS))
"""Panes and buttons, in the order of ``Parts.refreshed()`` and ``updates``."""


@dataclass
class Parts:
    """The components that other tabs and the wires need."""

    chooser: Chooser
    panes: dict[str, gr.HTML]
    """By the names of ``PANES``."""
    buttons: dict[str, gr.Button]
    """By the names of ``ACTIONS``."""
    ready: gr.Textbox
    """Hidden: the link to the file to download."""
    notice: gr.HTML
    comparison: runs.Parts
    folds: dict[str, Fold]
    """By the names of ``FOLDS``."""
    log: tuple[gr.Button, ...]
    """Copies the lines that are shown; downloads all of them; downloads the figures as a table."""
    handover: handover.Parts

    def refreshed(self) -> list:
        """The component of each of ``NAMES``, in their order."""
        components = {**self.panes, **self.buttons}
        return [components[name] for name in NAMES]


def draw(studio: Studio) -> Parts:
    """The tab's components."""
    with gr.Row(elem_classes="title-row"):
        gr.HTML(views.lead("Watch the training."))
        chosen = chooser.draw("train")
    panes = _panes("top")
    with gr.Row(elem_classes="primary-row run-buttons"):
        buttons = {action.name: _button(action) for action in ACTIONS}
        ready = downloads.slot()
    gr.HTML(notify.BOX, js_on_load=notify.ASK, elem_id="notify")
    notice = gr.HTML(js_on_load=views.PICK, elem_id="run-notice")
    panes |= _panes("middle")
    with gr.Row(elem_classes="halves", equal_height=False):
        for side in ("left", "right"):
            with gr.Column(min_width=300):
                panes |= _panes(side)
    drawn = {content.name: folds.draw(content) for content in (handover.content(studio), *FOLDS)}
    with drawn["handover"].accordion:
        forms = handover.draw()
    with drawn["log"].accordion, gr.Row(elem_classes="actions"):
        words = ("Copy these lines", "Download the log", "Download as CSV")
        buttons_of_log = tuple(gr.Button(each, size="sm") for each in words)
    comparison = runs.draw(studio)
    with gr.Accordion("Automatic choices, notes and versions", open=False, elem_id="details"):
        panes |= _panes("details")
    return Parts(
        chooser=chosen,
        panes=panes,
        buttons=buttons,
        ready=ready,
        notice=notice,
        comparison=comparison,
        folds=drawn,
        log=buttons_of_log,
        handover=forms,
    )


def _panes(place: str) -> dict[str, gr.HTML]:
    return {pane.name: gr.HTML(pane.empty, elem_id=pane.name, **pane.options) for pane in PANES if pane.place == place}


def _button(action: Action) -> gr.Button:
    return gr.Button(action.name, visible=False, elem_id=action.name, scale=0, min_width=action.width)


def wire(studio: Studio, parts: Parts) -> list:
    """The tab's own events; returns those after which the clock refreshes the page at once."""
    runs.wire(studio, parts.comparison)
    _wire_folds(studio, parts)
    handover.wire(studio, parts.handover, parts.folds["handover"], parts.chooser)
    parts.buttons["hand-over-to"].click(None, None, None, js=handover.OPEN, api_visibility="private")
    events = [_wire_action(studio, parts, action) for action in ACTIONS if action.do]

    # Gradio finds an event among a function's own parameters, which a partial hides.
    def pick(event: gr.EventData) -> tuple:
        done = act(studio, inputs.picked(event))
        return done.notice, done.run_id or gr.skip()

    for block in (parts.panes["offers"], parts.panes["queue"], parts.notice):
        outputs = [parts.notice, parts.chooser.picked]
        events.append(block.pick(pick, None, outputs, api_name=f"train_{block.elem_id}", **QUIET))
    parts.chooser.dropdown.input(lambda: "", None, parts.notice, api_name="train_hush", **QUIET)
    return events


def _wire_folds(studio: Studio, parts: Parts) -> None:
    for each in parts.folds.values():
        folds.wire(studio, each, parts.chooser, chooser.rule_of("train"))
    copied, downloaded, tabled = parts.log
    copied.click(None, None, None, js=log.COPY, api_visibility="private")
    _wire_download(studio, parts, downloaded, log.download, "train_log_file")
    _wire_download(studio, parts, tabled, log.download_table, "train_table_file")


def _wire_action(studio: Studio, parts: Parts, action: Action):
    button = parts.buttons[action.name]
    if action.downloads:
        return _wire_download(studio, parts, button, action.do, f"train_{action.name}")
    return button.click(
        partial(_done, studio, action.do),
        parts.chooser.dropdown,
        [parts.notice, parts.ready],
        api_name=f"train_{action.name}",
        **QUIET,
    )


def _wire_download(studio: Studio, parts: Parts, button: gr.Button, do: Command, name: str):
    """A click on ``button`` has ``do`` make a file of the run, and the browser downloads that."""
    outputs = [parts.notice, parts.ready]
    event = button.click(
        partial(_done, studio, do),
        parts.chooser.dropdown,
        outputs,
        api_name=name,
        api_visibility="private",
        show_progress_on=button,
    )
    event.success(None, parts.ready, None, js=downloads.TO_FILE, api_visibility="private")
    return event


def _done(studio: Studio, do: Command, run_id: str | None) -> tuple:
    """The notice and the link to the file, after ``do`` was asked of the run."""
    done = attempt(do, studio, run_id)
    return done.notice, studio.downloads.link(done.file)


def render(studio: Studio, run_id: str | None) -> dict[str, str]:
    """The HTML of each pane and the label of each button, by name, for the run ``run_id`` now."""
    run = studio.find_run(run_id)
    if run is None:
        return {pane.name: pane.empty for pane in PANES} | {action.name: "" for action in ACTIONS}
    view = studio.view(run)
    moment = Moment(studio, run, view, Standing.of(studio, run, view))
    panes = {pane.name: pane.html(moment) for pane in PANES}
    return panes | {action.name: action.label(view, moment.standing) for action in ACTIONS}


def updates(rendered: dict[str, str], earlier: dict[str, str] | None = None) -> list:
    """One update for each of ``Parts.refreshed()``, as small as can be where it is the same as ``earlier``."""
    leading = [action.name for action in ACTIONS if action.leads and rendered[action.name]]
    return [
        _unchanged(rendered[name])
        if earlier and earlier[name] == rendered[name]
        else rendered[name]
        if n < len(PANES)
        else _labeled(rendered[name], name in leading[-1:])
        for n, name in enumerate(NAMES)
    ]


def _unchanged(value: str) -> str | dict:
    """The update of a component that stays as it is: a short ``value`` once more, else ``gr.skip()``.

    Gradio makes the component anew for a skip, too (0.6 ms), and a dozen of them each second slow a training down.
    """
    return value if len(value) < SHORT else gr.skip()


def _labeled(label: str, is_primary: bool) -> gr.Button:
    """The update of a button; hidden if it has no label."""
    if not label:
        return gr.Button(visible=False)
    return gr.Button(label, visible=True, variant="primary" if is_primary else "secondary")

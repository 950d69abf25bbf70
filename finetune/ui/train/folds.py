"""Folds of the Train tab that are drawn only while they are open, and only where there is something new."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial

import gradio as gr

from finetune.runs.run import Run
from finetune.runs.view import View
from finetune.ui.chooser import Chooser, Rule
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

TICK_S = 2.0
UNQUEUED = {**QUIET, "queue": False}


@dataclass(frozen=True)
class Content:
    """What a fold shows of the run that is chosen."""

    name: str
    """Its id on the page."""
    title: str
    state: Callable[[Run, View], Hashable]
    """Equal states look alike."""
    html: Callable[[Run, View], str]
    empty: str
    """What it shows before there is any run."""
    script: str = ""
    """Run once on its board, as a block's ``js_on_load``."""


@dataclass
class Fold:
    """The components of a fold."""

    content: Content
    accordion: gr.Accordion
    board: gr.HTML
    seen: gr.State
    clock: gr.Timer


def draw(content: Content) -> Fold:
    """The fold, closed; what is drawn inside the block after it is part of it (``with fold.accordion``)."""
    with gr.Accordion(content.title, open=False, elem_id=content.name) as accordion:
        board = gr.HTML(elem_id=f"{content.name}-board", js_on_load=content.script or None)
    clock = gr.Timer(TICK_S, active=False)
    return Fold(content=content, accordion=accordion, board=board, seen=gr.State(None), clock=clock)


def wire(studio: Studio, fold: Fold, chooser: Chooser, rule: Rule) -> None:
    """Keeps the fold up to date with the run that ``chooser`` shows by its ``rule``."""
    again, inputs, outputs = (
        partial(refresh, studio, fold.content, rule),
        [chooser.picked, fold.seen],
        [fold.seen, fold.board],
    )
    name = fold.content.name.replace("-", "_")
    opened = fold.accordion.expand(lambda: gr.Timer(active=True), None, fold.clock, api_name=f"{name}_open", **UNQUEUED)
    opened.then(again, inputs, outputs, api_name=f"{name}_show", **UNQUEUED)
    fold.accordion.collapse(lambda: gr.Timer(active=False), None, fold.clock, api_name=f"{name}_close", **UNQUEUED)
    fold.clock.tick(again, inputs, outputs, api_name=f"{name}_tick", **UNQUEUED)


def refresh(studio: Studio, content: Content, rule: Rule, picked: str | None, seen: Hashable) -> tuple:
    """The state of the fold and its HTML, or ``gr.skip()`` for both where it looks as before."""
    run = shown_run(studio, rule, picked)
    if run is None:
        return None, content.empty
    view = studio.view(run)
    now = (run.id, content.state(run, view))
    return (gr.skip(), gr.skip()) if now == seen else (now, content.html(run, view))


def shown_run(studio: Studio, rule: Rule, picked: str | None) -> Run | None:
    """The run that a chooser with ``rule`` shows, given what the person picked."""
    current = studio.current()
    ids = [run.id for run, _ in studio.views()]
    return studio.find_run(rule.shown(ids, picked, None, current and current[0].id))

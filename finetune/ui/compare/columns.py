"""What can be compared beside base and tuned: kept checkpoints of the run, and other finished runs."""

import gradio as gr

from finetune.inference.column import Column, kept
from finetune.runs.run import Run
from finetune.ui import chooser, views
from finetune.ui.compare.talk import title
from finetune.ui.studio import Studio

MOST_ALSO = 2
"""Columns beside base and tuned."""


def draw() -> gr.Dropdown:
    """The choice of further columns, without any."""
    return gr.Dropdown(
        [],
        value=[],
        multiselect=True,
        max_choices=MOST_ALSO,
        label="Also compare",
        info="Up to two more columns: kept checkpoints of this run, or other finished runs. Starts a new conversation.",
        visible=False,
        elem_id="also",
    )


def offered(studio: Studio, run: Run) -> dict[str, Column]:
    """Each further column by its label: the checkpoints of ``run``, latest first, then the other runs, newest first."""
    steps = [each for each in kept(run) if each.step is not None]
    found = {title(each, run.id): each for each in reversed(steps)}
    others = [(other, view) for other, view in studio.views() if other.id != run.id and chooser.is_comparable(view)]
    return found | {views.run_label(other.id, view): Column(other.id) for other, view in others}


def choices(studio: Studio, run: Run | None) -> gr.Dropdown:
    """The choice of further columns of ``run``, none of them chosen; hidden while there are none."""
    labels = list(offered(studio, run)) if run else []
    return gr.Dropdown(labels, value=[], multiselect=True, visible=bool(labels))


def columns_of(studio: Studio, run: Run, also: list[str] | None) -> tuple[Column, ...]:
    """Base, tuned, and the columns labelled ``also``; those that are gone are left out."""
    further = offered(studio, run) if also else {}
    chosen = [further[label] for label in also or () if label in further]
    return (Column(run.id, is_base=True), Column(run.id), *chosen[:MOST_ALSO])

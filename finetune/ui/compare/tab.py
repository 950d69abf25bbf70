"""The Compare tab: one run beside its base, in one view for each way to tell whether it is better.

To add a view: a module here with ``draw`` and ``wire``, and one line in ``PROOFS``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from finetune.ui import chooser, views
from finetune.ui.chooser import Chooser
from finetune.ui.compare import ask, blind, report, scores
from finetune.ui.studio import Studio


@dataclass(frozen=True)
class Proof:
    """One view of the tab."""

    name: str
    """Its id."""
    label: str
    """What its button says."""
    draw: Callable[[Studio], object]
    """Draws its components and returns them, its ``Parts``."""
    wire: Callable[[Studio, object, Chooser, gr.Tab], None]
    """Wires its own events, given its ``Parts``, the chooser of the run, and the tab that holds it."""


PROOFS = (
    Proof("ask", "Ask", ask.draw, ask.wire),
    Proof("blind", "Blind test", blind.draw, blind.wire),
    Proof("scores", "Scores", scores.draw, scores.wire),
    Proof("report", "Report", report.draw, report.wire),
)
"""Every view, in the order shown."""


@dataclass
class Parts:
    """The components that other tabs and the wires need."""

    chooser: Chooser
    proofs: gr.Tabs
    """The row of views."""
    tabs: dict[str, gr.Tab]
    """The tab of each view, by its name."""
    of: dict[str, object]
    """The ``Parts`` of each view, by its name."""


def draw(studio: Studio) -> Parts:
    """The tab's components."""
    with gr.Row(elem_classes="title-row"):
        gr.HTML(views.lead("Same question, same settings; only the training differs."))
        chosen = chooser.draw("compare")
    tabs, found = {}, {}
    with gr.Tabs(elem_id="proofs", elem_classes="proofs") as proofs:
        for proof in PROOFS:
            with gr.Tab(proof.label, id=proof.name, elem_id=f"proof-{proof.name}") as tabs[proof.name]:
                found[proof.name] = proof.draw(studio)
    return Parts(chooser=chosen, proofs=proofs, tabs=tabs, of=found)


def wire(studio: Studio, parts: Parts) -> None:
    """The events of all views."""
    for proof in PROOFS:
        proof.wire(studio, parts.of[proof.name], parts.chooser, parts.tabs[proof.name])

"""Choosers of a run: one on each tab that shows a run, all of them kept up to date by the clock."""

from dataclasses import dataclass

import gradio as gr

from finetune.methods import METHODS
from finetune.runs.view import FINISHED, View
from finetune.ui import views
from finetune.ui.studio import Studio


@dataclass(frozen=True)
class Rule:
    """Which runs a chooser offers, and which one it shows while the person has not picked any."""

    tab: str
    """The tab it is on."""
    with_model: bool = False
    """True if it offers only finished runs that have a model."""
    follows: bool = False
    """True if it shows the run at work, else the newest; otherwise it keeps the run that it showed first."""

    def choices(self, known: list[tuple[str, View]]) -> tuple[tuple[str, str], ...]:
        """Label and id of each run that it offers, newest first, of all that are ``known``: ids and views."""
        return tuple(
            (views.run_label(run_id, view), run_id)
            for run_id, view in known
            if not self.with_model or is_comparable(view)
        )

    def shown(self, ids: list[str], picked: str | None, earlier: str | None, current: str | None) -> str | None:
        """The run of ``ids``, newest first, that it shows; ``current`` is at work, ``earlier`` was shown before."""
        for wanted in (picked, current if self.follows else earlier):
            if wanted in ids:
                return wanted
        return ids[0] if ids else None


RULES = (Rule("train", follows=True), Rule("compare", with_model=True))
"""Every chooser: each of these tabs has one as ``Parts.chooser``."""


def rule_of(tab: str) -> Rule:
    """The rule of the chooser on ``tab``."""
    return next(rule for rule in RULES if rule.tab == tab)


@dataclass
class Chooser:
    """A chooser's components."""

    dropdown: gr.Dropdown
    picked: gr.State
    """The run that the person picked; None for the one that the rule shows. The clock reads this and not the dropdown,
    whose value Gradio refuses once the server has forgotten its choices."""

    def components(self) -> list:
        """The components that ``showing`` has values for."""
        return [self.dropdown, self.picked]


def draw(tab: str) -> Chooser:
    """The chooser of the tab called ``tab``, without runs."""
    dropdown = gr.Dropdown(
        [], label="Run", show_label=False, filterable=False, elem_id=f"{tab}-run", scale=0, min_width=400
    )
    return Chooser(dropdown=dropdown, picked=gr.State(None))


def showing(studio: Studio, tab: str, run_id: str | None) -> tuple[gr.Dropdown, str | None]:
    """Values of ``Chooser.components()`` that show ``run_id``, as if the person had picked it."""
    rule = rule_of(tab)
    known = [(run.id, view) for run, view in studio.views()]
    return gr.Dropdown(list(rule.choices(known)), value=run_id), run_id


def is_comparable(view: View) -> bool:
    """True if the run has ended and its tuned model can be compared with the base."""
    return is_finished(view) and not METHODS[view.method].makes_scorer


def rates(view: View) -> bool:
    """True if the run has ended and its model rates answers."""
    return is_finished(view) and METHODS[view.method].makes_scorer


def is_finished(view: View) -> bool:
    """True if the run has ended and kept its model."""
    return view.has_model and view.state in FINISHED

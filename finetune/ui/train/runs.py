"""Runs beside each other, in a fold of the Train tab: one table, one chart, and what differs between their recipes."""

from dataclasses import dataclass
from functools import partial
from html import escape

import gradio as gr

from finetune import format
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.view import View
from finetune.sweep import Outcome, outcomes, unlike
from finetune.ui import views
from finetune.ui.studio import Studio
from finetune.ui.train.chart import figures
from finetune.ui.train.overlay import MOST, RunLine, figure, swatch

TICK_S = 2.0
METRIC_WORDS = {"accuracy": "prefers the better answer"}


@dataclass
class Parts:
    """The components of the fold."""

    fold: gr.Accordion
    picker: gr.Dropdown
    picked: gr.State
    """The runs that the person picked; None for those suggested. The clock reads this and not the picker."""
    seen: gr.State
    board: gr.HTML
    clock: gr.Timer

    def refreshed(self) -> list:
        """What ``refresh`` has a value for."""
        return [self.seen, self.picker, self.board]


def draw(studio: Studio) -> Parts:
    """The fold, closed."""
    with gr.Accordion("Compare runs", open=False, elem_id="compare-runs") as fold:
        picker = gr.Dropdown(
            [],
            multiselect=True,
            max_choices=MOST,
            label="Runs",
            info=f"Pick two to {MOST}. One table and one chart show what differs between them, and what came of it.",
            elem_id="runs-picker",
        )
        board = gr.HTML(elem_id="runs-board")
    return Parts(fold, picker, gr.State(None), gr.State(None), board, gr.Timer(TICK_S, active=False))


def wire(studio: Studio, parts: Parts) -> None:
    """The fold's own events; it looks for news only while it is open."""
    quiet = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
    inputs = [parts.picked, parts.seen]
    look = partial(refresh, studio)
    parts.fold.expand(lambda: gr.Timer(active=True), None, parts.clock, api_name="runs_open", **quiet).then(
        look, inputs, parts.refreshed(), api_name="runs_show", **quiet
    )
    parts.fold.collapse(lambda: gr.Timer(active=False), None, parts.clock, api_name="runs_close", **quiet)
    parts.clock.tick(look, inputs, parts.refreshed(), api_name="runs_tick", **quiet)
    parts.picker.input(list, parts.picker, parts.picked, api_name="runs_pick", **quiet).then(
        look, inputs, parts.refreshed(), api_name="runs_picked", **quiet
    )


def refresh(studio: Studio, picked: list[str] | None, seen: tuple | None) -> list:
    """One value for each of ``Parts.refreshed()``: what is new since ``seen``, and ``gr.skip()`` for the rest."""
    known = studio.views()
    ids = suggested(known) if picked is None else [run.id for run in map(studio.find_run, picked[:MOST]) if run]
    choices = [(views.run_label(run.id, view), run.id) for run, view in known]
    chosen = [(run, view) for run_id in ids for run, view in known if run.id == run_id]
    now = (choices, ids, [(run.id, view.revision, view.state) for run, view in chosen])
    if now == seen:
        return [gr.skip()] * 3
    same_choices = seen is not None and now[:2] == seen[:2]
    picker = gr.skip() if same_choices else gr.Dropdown(choices, value=ids, multiselect=True)
    return [now, picker, board(len(known), [(run, run.recipe, view) for run, view in chosen])]


def suggested(known: list[tuple[Run, View]]) -> list[str]:
    """The runs to begin with: the newest with those of its sweep, oldest first; else the newest two."""
    if len(known) < 2:
        return [run.id for run, _ in known]
    newest = family(known[0][1].name)
    sweep = [run.id for run, view in known if family(view.name) == newest and " (" in view.name][:MOST]
    return sweep[::-1] if len(sweep) > 1 else [run.id for run, _ in known[:2]][::-1]


def family(name: str) -> str:
    """The name of a run without what a sweep put behind it."""
    return name.split(" (")[0]


def board(known: int, runs: list[tuple[Run, Recipe, View]]) -> str:
    """The chart and the table of ``runs``, or what to do if there are too few; ``known`` runs are there to pick."""
    if known < 2:
        return views.empty(
            "Comparing takes two runs.",
            "Train one more with another setting. Or give a setting several values on the Method tab, under "
            "“Recipe (YAML)”, for instance learning_rate: [0.001, 0.003], and queue them all at once.",
        )
    if len(runs) < 2:
        return views.empty("Pick at least two runs above.")
    named = [(run.id, recipe, view) for run, recipe, view in runs]
    found, note = outcomes(named), unlike(named)
    warning = (
        views.notice(note, "Look at the verdicts, or ask both on the Compare tab.", kind="warning") if note else ""
    )
    lines = [RunLine.of(f"{_number(run)} {view.name}", _number(run), view) for run, _, view in runs]
    return figure(lines) + warning + table(found, best_of(found) if not note else None)


def best_of(found: list[Outcome]) -> str | None:
    """The run with the lowest held-out loss; None if fewer than two were checked."""
    scored = [outcome for outcome in found if outcome.best_loss is not None]
    return min(scored, key=lambda outcome: outcome.best_loss).run if len(scored) > 1 else None


def table(found: list[Outcome], best: str | None) -> str:
    """One row for each run; that of ``best`` is marked."""
    metrics = list(dict.fromkeys(name for outcome in found for name in outcome.metrics))
    heads = ["Run", "What differs", "Steps", "Lowest held-out loss", *map(_metric, metrics), "Time", "Verdict"]
    head = "".join(f"<th scope='col'>{escape(word)}</th>" for word in heads)
    rows = "".join(_row(n, outcome, heads, metrics, outcome.run == best) for n, outcome in enumerate(found))
    return f"<div class='wide'><table class='runs'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"


def _row(n: int, one: Outcome, heads: list[str], metrics: list[str], best: bool) -> str:
    if one.best_loss is None:
        loss = "not checked"
    else:
        loss = f"<b>{figures(one.best_loss)}</b> at step {format.amount(one.best_step)}"
        loss += " <span class='best'>lowest</span>" if best else ""
    advice = f"<span class='small'>{escape(one.diagnosis.advice)}</span>" if one.diagnosis.advice else ""
    cells = [
        f"{swatch(n)} {escape(views.run_label(one.run, View(name=one.name, state=one.state)))}",
        escape(one.words) or "nothing",
        f"{format.amount(one.step)} of {format.amount(one.total_steps)}" if one.total_steps else "–",
        loss,
        *(escape(_value(name, one.metrics.get(name))) for name in metrics),
        format.duration(one.elapsed_s) if one.elapsed_s else "–",
        f"<b>{escape(one.diagnosis.title)}.</b> {escape(one.diagnosis.words)} {advice}",
    ]
    first, *others = zip(heads, cells)
    rest = "".join(f"<td data-label='{escape(head)}'>{cell}</td>" for head, cell in others)
    return f"<tr><th scope='row'>{first[1]}</th>{rest}</tr>"


def _metric(name: str) -> str:
    return METRIC_WORDS.get(name, name.replace("_", " ")).capitalize()


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return format.percent(value) if name == "accuracy" else figures(value)


def _number(run: Run) -> str:
    return str(run.number)

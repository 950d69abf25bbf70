"""Several runs compared, in a fold of the Train tab: one table, one chart, and what differs between their recipes."""

from dataclasses import dataclass
from functools import partial
from html import escape

import gradio as gr

from finetune import format
from finetune.methods import measure_of
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.view import View
from finetune.sweep import Outcome, outcomes, unlike
from finetune.ui import views
from finetune.ui.studio import Studio
from finetune.ui.train.chart import figures, value_words
from finetune.ui.train.overlay import MOST, RunLine, figure, swatch

TICK_S = 2.0


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
        """The components that ``refresh`` has values for."""
        return [self.seen, self.picker, self.board]


def draw(studio: Studio) -> Parts:
    """The fold, closed."""
    with gr.Accordion("Compare runs", open=False, elem_id="compare-runs") as fold:
        picker = gr.Dropdown(
            [],
            multiselect=True,
            max_choices=MOST,
            label="Runs",
            info=f"Pick two to {MOST}. One table and one chart show their settings and their results.",
            elem_id="runs-picker",
        )
        board = gr.HTML(elem_id="runs-board")
    return Parts(
        fold=fold,
        picker=picker,
        picked=gr.State(None),
        seen=gr.State(None),
        board=board,
        clock=gr.Timer(TICK_S, active=False),
    )


def wire(studio: Studio, parts: Parts) -> None:
    """The fold's own events; it is refreshed only while it is open."""
    quiet = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
    inputs = [parts.picked, parts.seen]
    again = partial(refresh, studio)
    parts.fold.expand(lambda: gr.Timer(active=True), None, parts.clock, api_name="runs_open", **quiet).then(
        again, inputs, parts.refreshed(), api_name="runs_show", **quiet
    )
    parts.fold.collapse(lambda: gr.Timer(active=False), None, parts.clock, api_name="runs_close", **quiet)
    parts.clock.tick(again, inputs, parts.refreshed(), api_name="runs_tick", **quiet)
    parts.picker.input(list, parts.picker, parts.picked, api_name="runs_pick", **quiet).then(
        again, inputs, parts.refreshed(), api_name="runs_picked", **quiet
    )


def refresh(studio: Studio, picked: list[str] | None, seen: tuple | None) -> list:
    """One value for each of ``Parts.refreshed()``: what is new since ``seen``, and ``gr.skip()`` for the rest."""
    known = studio.views()
    runs = suggested(studio) if picked is None else [run for run in map(studio.find_run, picked[:MOST]) if run]
    ids = [run.id for run in runs]
    choices = [(views.run_label(run.id, view), run.id) for run, view in known]
    chosen = [(run, view) for run_id in ids for run, view in known if run.id == run_id]
    now = (choices, ids, [(run.id, view.revision, view.state) for run, view in chosen])
    if now == seen:
        return [gr.skip()] * 3
    same_choices = seen is not None and now[:2] == seen[:2]
    picker = gr.skip() if same_choices else gr.Dropdown(choices, value=ids, multiselect=True)
    return [now, picker, board(len(known), [(run, studio.recipe(run), view) for run, view in chosen])]


def suggested(studio: Studio) -> list[Run]:
    """The runs to compare first: the newest with the others of its sweep, oldest first; else the newest two."""
    known = [run for run, _ in studio.views()]
    sweep = studio.recipe(known[0]).sweep if known else None
    together = [run for run in known if sweep and studio.recipe(run).sweep == sweep][:MOST]
    return (together if len(together) > 1 else known[:2])[::-1]


def board(known: int, runs: list[tuple[Run, Recipe, View]]) -> str:
    """The chart and the table of ``runs``, or what to do if there are too few; ``known`` runs exist."""
    if known < 2:
        return views.empty(
            "A comparison needs two runs.",
            "Train another one with a different setting. Or give a setting several values on the Method tab, under "
            "“Recipe (YAML)”, for instance learning_rate: [0.001, 0.003], and queue the whole sweep at once.",
        )
    if len(runs) < 2:
        return views.empty("Pick at least two runs above.")
    named = [(run.id, recipe, view) for run, recipe, view in runs]
    found, note = outcomes(named), unlike(named)
    advice = "Compare their diagnoses, or their answers on the Compare tab."
    warning = views.notice(note, advice, kind="warning") if note else ""
    lines = [RunLine.of(f"{run.number} {view.name}", str(run.number), view) for run, _, view in runs]
    return figure(lines) + warning + table(found, best_of(found) if not note else None)


def best_of(found: list[Outcome]) -> str | None:
    """The run with the lowest held-out loss; None if fewer than two were evaluated."""
    evaluated = [outcome for outcome in found if outcome.best_loss is not None]
    return min(evaluated, key=lambda outcome: outcome.best_loss).run if len(evaluated) > 1 else None


def table(found: list[Outcome], best: str | None) -> str:
    """One row for each run; that of ``best`` is marked."""
    metrics = list(dict.fromkeys(name for outcome in found for name in outcome.metrics))
    titles = [measure_of(name).short.capitalize() for name in metrics]
    heads = ["Run", "Differs in", "Steps", "Lowest held-out loss", *titles, "Time", "Diagnosis"]
    head = "".join(f"<th scope='col'>{escape(word)}</th>" for word in heads)
    rows = "".join(_row(n, outcome, heads, metrics, outcome.run == best) for n, outcome in enumerate(found))
    return f"<div class='wide'><table class='runs'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"


def _row(n: int, one: Outcome, heads: list[str], metrics: list[str], is_best: bool) -> str:
    if one.best_loss is None:
        loss = "not evaluated"
    else:
        loss = f"<b>{figures(one.best_loss)}</b> at step {format.amount(one.best_step)}"
        loss += " <span class='best'>lowest</span>" if is_best else ""
    advice = f"<span class='small'>{escape(one.diagnosis.advice)}</span>" if one.diagnosis.advice else ""
    cells = [
        f"{swatch(n)} {escape(views.run_label(one.run, View(name=one.name, state=one.state)))}",
        escape(one.words) or "nothing",
        f"{format.amount(one.step)} of {format.amount(one.total_steps)}" if one.total_steps else "–",
        loss,
        *(escape(_metric(name, one.metrics.get(name))) for name in metrics),
        format.duration(one.elapsed_s) if one.elapsed_s else "–",
        f"<b>{escape(one.diagnosis.title)}.</b> {escape(one.diagnosis.words)} {advice}",
    ]
    first, *others = zip(heads, cells)
    rest = "".join(f"<td data-label='{escape(head)}'>{cell}</td>" for head, cell in others)
    return f"<tr><th scope='row'>{first[1]}</th>{rest}</tr>"


def _metric(name: str, value: float | None) -> str:
    return "–" if value is None else value_words(measure_of(name), value)

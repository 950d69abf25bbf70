"""Several runs compared, in a fold of the Train tab: one table, one chart, and what differs between their recipes."""

from dataclasses import dataclass
from functools import partial
from html import escape

import gradio as gr

from finetune import format
from finetune.methods import METHODS, Measure, measure_of
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
    measure = judged_by([view.method for _, _, view in runs])
    lines = [RunLine.of(f"{run.number} {view.name}", str(run.number), view, measure) for run, _, view in runs]
    return figure(lines, measure) + warning + table(found, best_of(found, measure) if not note else None, measure)


def judged_by(methods: list[str]) -> Measure | None:
    """The measure that decides which of runs with these ``methods`` is better; None if the held-out loss does."""
    names = {METHODS[name].best_by for name in methods if not METHODS[name].loss_shows_learning} - {"loss"}
    all_alike = len(names) == 1 and not any(METHODS[name].loss_shows_learning for name in methods)
    return measure_of(names.pop()) if all_alike else None


def value_of(outcome: Outcome, measure: Measure | None) -> float | None:
    """What a run is judged by, at its best evaluation; None before the first."""
    return outcome.best_loss if measure is None else outcome.metrics.get(measure.name)


def best_of(found: list[Outcome], measure: Measure | None = None) -> str | None:
    """The run with the best value; None if fewer than two were evaluated."""
    sign = -1 if measure and measure.better == "higher" else 1
    evaluated = [(sign * value, one.run) for one in found if (value := value_of(one, measure)) is not None]
    return min(evaluated, key=lambda pair: pair[0])[1] if len(evaluated) > 1 else None


def table(found: list[Outcome], best: str | None, measure: Measure | None = None) -> str:
    """One row for each run; that of ``best`` is marked."""
    metrics = list(dict.fromkeys(name for outcome in found for name in outcome.metrics))
    metrics = [name for name in metrics if measure is None or name != measure.name]
    titles = [views.capital(measure_of(name).short) for name in metrics]
    judged = f"{_extreme(measure)} held-out {measure.short if measure else 'loss'}"
    heads = ["Run", "Differs in", "Steps", views.capital(judged), *titles, "Time", "Diagnosis"]
    head = "".join(f"<th scope='col'>{escape(word)}</th>" for word in heads)
    rows = "".join(_row(n, one, heads, metrics, _judged(one, measure, one.run == best)) for n, one in enumerate(found))
    return f"<div class='wide'><table class='runs'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"


def _extreme(measure: Measure | None) -> str:
    return "highest" if measure and measure.better == "higher" else "lowest"


def _judged(one: Outcome, measure: Measure | None, is_best: bool) -> str:
    """What a run is judged by, with the step of that evaluation."""
    value = value_of(one, measure)
    if value is None:
        return "not evaluated"
    shown = value_words(measure, value) if measure else figures(value)
    mark = f" <span class='best'>{_extreme(measure)}</span>" if is_best else ""
    return f"<b>{shown}</b> at step {format.amount(one.best_step)}{mark}"


def _row(n: int, one: Outcome, heads: list[str], metrics: list[str], judged: str) -> str:
    advice = f"<span class='small'>{escape(one.diagnosis.advice)}</span>" if one.diagnosis.advice else ""
    cells = [
        f"{swatch(n)} {escape(views.run_label(one.run, View(name=one.name, state=one.state)))}",
        escape(one.words) or "nothing",
        f"{format.amount(one.step)} of {format.amount(one.total_steps)}" if one.total_steps else "–",
        judged,
        *(escape(_metric(name, one.metrics.get(name))) for name in metrics),
        format.duration(one.elapsed_s) if one.elapsed_s else "–",
        f"<b>{escape(one.diagnosis.title)}.</b> {escape(one.diagnosis.words)} {advice}",
    ]
    first, *others = zip(heads, cells)
    rest = "".join(f"<td data-label='{escape(head)}'>{cell}</td>" for head, cell in others)
    return f"<tr><th scope='row'>{first[1]}</th>{rest}</tr>"


def _metric(name: str, value: float | None) -> str:
    return "–" if value is None else value_words(measure_of(name), value)

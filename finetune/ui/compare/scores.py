"""Scores: base against tuned on rows that neither was trained on, what was forgotten, and the rows themselves."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gradio as gr
from pydantic import ValidationError

from finetune import format
from finetune.errors import FinetuneError, RunError
from finetune.evaluation.sheet import HELD_OUT, Request, Sheet, read, sheet, sheets
from finetune.rewards.judge import Judge
from finetune.runs.run import Run
from finetune.service.scoring import is_scorable
from finetune.settings import problems_of
from finetune.ui import views
from finetune.ui.chooser import Chooser
from finetune.ui.compare import score_rows, verdict
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

POLL_S = 1.5
OWN = ("Its held-out rows", HELD_OUT)
MOST_ROWS = 10_000


@dataclass
class Parts:
    """The components that the wires need."""

    key: gr.Dropdown
    """Which evaluation is shown."""
    head: gr.HTML
    """Progress, or the verdict."""
    tables: gr.HTML
    part: gr.Dropdown
    order: gr.Dropdown
    search: gr.Textbox
    rows: gr.HTML
    overview: gr.HTML
    file: gr.File
    general: gr.File
    most: gr.Number
    judge: tuple[gr.Textbox, gr.Textbox, gr.Textbox]
    """The judge's model, its endpoint, and its criteria."""
    again: gr.Button
    notice: gr.HTML
    timer: gr.Timer

    def shown(self) -> list:
        """The components that ``show`` has values for."""
        return [self.key, self.head, self.tables, self.rows, self.overview, self.timer]

    def filters(self) -> list:
        """What chooses among the rows."""
        return [self.part, self.order, self.search]


def draw(studio: Studio) -> Parts:
    """The view's components."""
    key = gr.Dropdown([OWN], value=HELD_OUT, label="Evaluated on", visible=False, elem_id="scores-key")
    head = gr.HTML(nothing_yet(), elem_id="scores-head")
    tables = gr.HTML(elem_id="scores-tables")
    with gr.Accordion("Row by row: wins, losses, and what was expected", open=True, elem_id="scores-by-row"):
        with gr.Row(elem_classes="fields"):
            order = gr.Dropdown(list(score_rows.ORDERS), value="wins", label="Show", elem_id="scores-order")
            part = gr.Dropdown(list(score_rows.PARTS), value="asked", label="Rows", elem_id="scores-part")
            search = gr.Textbox(label="Search", placeholder="Words in question or answer", elem_id="scores-search")
        rows = gr.HTML(elem_id="scores-rows")
    overview = gr.HTML(elem_id="scores-overview")
    with gr.Accordion("Score again, or on other rows", open=False, elem_id="scores-ask"):
        gr.HTML(
            views.small(
                "Base and tuned answer the same rows. Without a file these are the held-out rows of the run; a file "
                "must not have rows that the run was trained on."
            )
        )
        with gr.Row(elem_classes="fields"):
            file = gr.File(label="Rows to evaluate on (optional)", elem_id="scores-file", height=120)
            general = gr.File(
                label="General questions, for what was forgotten (optional)", elem_id="scores-general", height=120
            )
        judge = draw_judge()
        with gr.Row(elem_classes="actions"):
            most = gr.Number(
                200, label="Rows at most", precision=0, minimum=1, maximum=MOST_ROWS, elem_id="scores-most"
            )
            again = gr.Button("Score", variant="primary", scale=0, min_width=130, elem_id="scores-again")
    notice = gr.HTML(elem_id="scores-notice")
    return Parts(
        key, head, tables, part, order, search, rows, overview, file, general, most, judge, again, notice,
        gr.Timer(POLL_S, active=False),
    )  # fmt: skip


def wire(studio: Studio, parts: Parts, chosen: Chooser, tab: gr.Tab) -> None:
    """The view's own events; ``tab`` is what holds it."""
    run, look = chosen.dropdown, partial(show, studio)
    given = [run, parts.key, *parts.filters()]
    tab.select(look, given, parts.shown(), api_name="scores_open", **QUIET)
    run.change(partial(choose, studio), [run, *parts.filters()], parts.shown(), api_name="scores_choose", **QUIET)
    parts.key.input(look, given, parts.shown(), api_name="scores_key", **QUIET)
    parts.timer.tick(partial(tick, studio), given, parts.shown(), api_name="scores_tick", **QUIET)
    for each in (parts.part.input, parts.order.input, parts.search.change):
        each(partial(filtered, studio), given, parts.rows, api_name="scores_filter", **QUIET)
    parts.again.click(
        partial(ask, studio),
        [run, parts.file, parts.general, parts.most, *parts.judge, *parts.filters()],
        [parts.notice, *parts.shown()],
        api_name="scores_ask",
        **QUIET,
    )


def show(studio: Studio, run_id: str | None, key: str | None, part: str, order: str, search: str) -> tuple:
    """Values of ``Parts.shown()`` for one evaluation of a run."""
    run = studio.find_run(run_id)
    if run is None:
        return keys([]), nothing_yet(), "", "", "", gr.Timer(active=False)
    found = sheets(run)
    known = [each.key for each in found]
    asked = sheet(run, key) if key in known else Sheet(run)
    is_busy = any(each.request for each in found)
    scores = asked.scores
    return (
        keys(found, asked.key),
        head(studio, run, asked),
        verdict.tables(scores) if scores else "",
        score_rows.shown(asked.rows, scores, part, order, search) if scores else views.small("No rows yet."),
        verdict.overview(scored(studio)),
        gr.Timer(active=is_busy),
    )


def choose(studio: Studio, run_id: str | None, part: str, order: str, search: str) -> tuple:
    """Values of ``Parts.shown()`` for another run: the evaluation on its held-out rows."""
    return show(studio, run_id, HELD_OUT, part, order, search)


def tick(studio: Studio, run_id: str | None, key: str | None, *filters: str) -> tuple:
    """While an evaluation is at work only its progress is new; then everything is."""
    run = studio.find_run(run_id)
    busy = next((each for each in sheets(run) if each.request), None) if run else None
    if busy is None:
        return show(studio, run_id, key, *filters)
    return gr.skip(), head(studio, run, busy), gr.skip(), gr.skip(), gr.skip(), gr.skip()


def filtered(studio: Studio, run_id: str | None, key: str | None, part: str, order: str, search: str) -> str:
    """The rows as they are filtered now."""
    run = studio.find_run(run_id)
    found = sheet(run, key or HELD_OUT) if run else None
    scores = found.scores if found else None
    return score_rows.shown(found.rows, scores, part, order, search) if scores else views.small("No rows yet.")


def draw_judge() -> tuple[gr.Textbox, gr.Textbox, gr.Textbox]:
    """The fields of a judge."""
    with gr.Row(elem_classes="fields"):
        model = gr.Textbox(
            label="Judge (optional)",
            info="Another model says which answer is better, in both orders: one of this machine, or its name at the "
            "address. Its word is an opinion.",
            max_lines=1,
            max_length=200,
            elem_id="judge-model",
        )
        endpoint = gr.Textbox(
            label="Judge's address",
            info="An OpenAI-compatible server. Questions and answers are sent there. Empty: the judge runs here.",
            max_lines=1,
            max_length=500,
            elem_id="judge-endpoint",
        )
        criteria = gr.Textbox(
            label="Criteria",
            info="What a good answer is, in words.",
            value=Judge.model_fields["criteria"].default,
            max_lines=3,
            max_length=4000,
            elem_id="judge-criteria",
        )
    return model, endpoint, criteria


def judge_of(model: str | None, endpoint: str | None, criteria: str | None) -> Judge | None:
    """The judge of the form, if there is one; ``RunError`` if its settings are not valid."""
    given = {"model": model, "endpoint": endpoint, "criteria": criteria}
    given = {name: text.strip() for name, text in given.items() if text and text.strip()}
    if "model" not in given:
        return None
    try:
        return Judge(**given)
    except ValidationError as error:
        raise RunError("This judge cannot be asked.", problems=tuple(problems_of(error))) from None


def ask(studio: Studio, run_id: str | None, file: str | None, general: str | None, most: float, *given) -> tuple:
    """Ask for an evaluation; the notice, and values of ``Parts.shown()``."""
    run, judge, filters = studio.find_run(run_id), given[:3], given[3:]
    if run is None:
        return views.notice("There is no finished run to score.", "Train one first."), *[gr.skip()] * 6
    try:
        studio.rights.require_change(run)
        paths = [studio.data.add_upload(Path(each), Path(each).name).path if each else None for each in (file, general)]
        rows = min(max(1, int(most or 0)), MOST_ROWS)
        chosen = judge_of(*judge)
        studio.rights.require_sending([chosen])
        request = Request(data=paths[0], rows=rows, general=paths[1], judge=chosen, trusted=False)
        asked = studio.queue.scoring.ask(run, request)
    except FinetuneError as error:
        return views.notice_of(error), *[gr.skip()] * 6
    *shown, _ = show(studio, run_id, asked.key, *filters)
    return "", *shown, gr.Timer(active=True)


def keys(found: list[Sheet], key: str = HELD_OUT) -> gr.Dropdown:
    """The chooser of an evaluation; hidden while there is one at most."""
    labels = [OWN, *((each.key.removeprefix("file-"), each.key) for each in found if each.key != HELD_OUT)]
    return gr.Dropdown(labels, value=key, visible=len(labels) > 1)


def head(studio: Studio, run: Run, asked: Sheet) -> str:
    """The progress of an evaluation, why there is none, and the verdict of the last one."""
    parts = []
    if asked.request:
        what, share = asked.progress
        words = f"Scoring base and tuned: {what or 'waiting for the machine'}"
        parts.append(f"<p class='figures' role='status'>{words}{f', {format.percent(share)}' if share else ''} …</p>")
    message, hint = asked.failure
    if message:
        parts.append(views.notice(message, hint, kind="warning"))
    if scores := asked.scores:
        parts.append(verdict.card(scores))
    return "".join(parts) or unscored(studio, run)


def unscored(studio: Studio, run: Run) -> str:
    """Why a run has no scores, and what to do."""
    view = studio.view(run)
    if not is_scorable(view):
        return nothing_yet()
    if not view.held_out_rows:
        return views.empty(
            "This run held no rows out.", "Score it below, on a file of rows that it was not trained on."
        )
    return views.empty("This run has no scores yet.", "Press “Score” below: base and tuned answer its held-out rows.")


def scored(studio: Studio) -> list[tuple[str, object]]:
    """Title and scores of each run that was evaluated on its own held-out rows."""
    found = ((run, view, read(run)) for run, view in studio.views())
    return [(views.run_title(run.id, view.name), scores) for run, view, scores in found if scores]


def nothing_yet() -> str:
    """What the view says before any run is finished."""
    return views.empty("No run is finished yet.", "Train one first: at its end, base and tuned are scored.")

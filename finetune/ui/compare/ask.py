"""Ask: the same question to base and tuned at once, from one copy of the weights, and to two more if wanted."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from html import escape

import gradio as gr

from finetune.errors import FinetuneError
from finetune.inference.panel import Answering
from finetune.inference.question import messages
from finetune.inference.sampling import Sampling
from finetune.ui import chooser, inputs, views
from finetune.ui.chooser import Chooser
from finetune.ui.compare import columns, held_out, keeping, layout
from finetune.ui.compare.layout import NO_RATER, Parts
from finetune.ui.compare.pane import facts, integrity_line, nothing_yet, pane
from finetune.ui.compare.request import notice_of, run_of, sampling_of
from finetune.ui.compare.running import Running, buttons, is_at_work, stop
from finetune.ui.compare.talk import Talk, Turn
from finetune.ui.form import Form
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

REDRAW_S = 0.08
"""Answers are redrawn at most this often: faster than the eye reads, slower than tokens come."""
GENERATING = "Generating the answers…"
BESIDE_A_RUN = "Generating the answers… A run is training, which goes first, so this may take longer."

draw = layout.draw


def wire(studio: Studio, parts: Parts, chosen: Chooser, tab: gr.Tab) -> None:
    """The view's own events."""
    run, form = chosen.dropdown, parts.sampling
    given = [run, parts.talk, parts.running, *parts.given()]
    several = {"concurrency_limit": 4, "concurrency_id": "answers", **QUIET}
    asking = gr.on(
        [parts.ask.click, parts.question.submit],
        partial(ask, studio, form),
        [parts.question, *given],
        parts.asked(),
        api_name="compare_ask",
        **several,
    )

    # Gradio finds an event among a function's own parameters, which a partial hides.
    def suggestion(event: gr.EventData, *values) -> Iterator[tuple]:
        yield from ask(studio, form, inputs.picked(event), *values)

    def again(event: gr.EventData, *values) -> Iterator[tuple]:
        yield from retry(studio, form, inputs.picked(event), *values)

    suggested = parts.suggestions.pick(suggestion, given, parts.asked(), api_name="compare_try", **several)
    retried = parts.pane.retry(again, given, parts.asked(), api_name="compare_retry", **several)
    parts.stop.click(stop, parts.running, [parts.ask, parts.stop], api_name="compare_stop", queue=False, **QUIET)
    parts.mark.change(redraw, [parts.talk, parts.mark], parts.pane, api_name="compare_mark", **QUIET)
    starts = {"cancels": [asking, suggested, retried], **QUIET}
    anew = [parts.talk, parts.pane, parts.line, *parts.idle()]
    afresh = [run, parts.also, parts.running]
    parts.clear.click(partial(clear, studio), afresh, anew, api_name="compare_clear", **starts)
    parts.also.change(partial(clear, studio), afresh, anew, api_name="compare_also", **starts)
    told = [*anew, parts.suggestions, parts.system, parts.rater, parts.also]
    run.change(partial(choose, studio), [run, parts.running], told, api_name="compare_choose", **starts)
    keeping.wire(studio, parts)
    held_out.wire(studio, parts.held_out, run, form)


def ask(
    studio: Studio, form: Form, question: str, run_id: str | None, talk: Talk, running: Running | None, *given
) -> Iterator[tuple]:
    """The growing answers, as values of ``Parts.asked()``; an error is a notice in the line below them."""
    question = (question or "").strip()[: layout.LONGEST_QUESTION]
    if not question:
        yield shown(line=views.small("Type a question first."))
        return
    talk = talk if talk.run_id == run_id else Talk(run_id or "")
    yield from _answered(studio, form, talk, question, None, running, *given)


def retry(
    studio: Studio, form: Form, pick: str, run_id: str | None, talk: Talk, running: Running | None, *given
) -> Iterator[tuple]:
    """The answers to an earlier question again, with its next seed; the turns after it are dropped."""
    place = keeping.place_of(pick, talk)
    if place is None or talk.run_id != run_id:
        yield shown()
        return
    turn = talk.turns[place]
    yield from _answered(studio, form, talk.before(place), turn.question, turn.next_seed, running, *given)


def _answered(
    studio: Studio, form: Form, talk: Talk, question: str, seed: int | None, running: Running | None, *given
) -> Iterator[tuple]:
    """``talk`` with ``question`` as it is answered; without a ``seed``, with that of the settings."""
    mark, rater, also, system, *values = given
    if is_at_work(running):
        yield shown(line=views.small("The models are still answering. Stop them first, or wait for the end."))
        return
    before = talk = talk.settled()
    running = Running()
    try:
        run, sampling = run_of(studio, talk.run_id), sampling_of(form.values(tuple(values)), seed)
        talk = replace(talk, columns=columns.columns_of(studio, run, also))
        is_greedy = sampling.greedy or not sampling.temperature
        turn = Turn(question, sampling.seed, is_greedy, expected=studio.data.expected(run, question))
        talk = talk.asking(run.recipe, turn, (system or "").strip())
        line = views.small(GENERATING if studio.queue.current is None else BESIDE_A_RUN)
        yield shown(talk, pane(talk, mark, is_busy=True), line, "", running, is_busy=True)
        with studio.queue.beside():
            for grown, line in answers(studio, talk, sampling, running):
                talk = grown
                yield shown(talk, pane(talk, mark, is_busy=True), line, is_busy=True)
            if rater and talk.turns[-1].said:
                talk = rated(studio, talk, rater)
        yield shown(talk, pane(talk, mark), line)
    except FinetuneError as error:
        yield shown(before, pane(before, mark), notice_of(error), question)
    finally:
        running.end()


def shown(
    talk: object = gr.skip(),
    drawn: object = gr.skip(),
    line: object = gr.skip(),
    question: object = gr.skip(),
    running: object = gr.skip(),
    is_busy: bool = False,
) -> tuple:
    """Values of ``Parts.asked()``; what is not given stays as it is."""
    return talk, drawn, line, question, running, *buttons(is_busy), *keeping.closed()


def answers(studio: Studio, talk: Talk, sampling: Sampling, running: Running) -> Iterator[tuple[Talk, str]]:
    """The conversation as its last turn is answered, with the line about it."""
    drawn_at, asked = 0.0, talk.turns[-1].asked
    for reply in studio.panel.reply(talk.columns, asked, sampling, running.stop):
        if reply.done or time.monotonic() - drawn_at > REDRAW_S:
            drawn_at = time.monotonic()
            stopped = reply.done and running.stop.is_set()
            grown = talk.changed(said=tuple(reply.said), is_done=reply.done, is_stopped=stopped)
            yield grown, line_of(reply, stopped)


def line_of(reply: Answering, is_stopped: bool) -> str:
    """How the answers were made, once they are done, and what was checked of the comparison."""
    made = facts(reply, is_stopped) if reply.done else views.small(GENERATING)
    return made + integrity_line(reply.integrity)


def clear(studio: Studio, run_id: str | None, also: list[str] | None, running: Running | None) -> tuple:
    """An empty conversation with the same run, and the columns that are chosen now."""
    run, talk = studio.find_run(run_id), Talk(run_id or "")
    if running is not None:
        running.end()
    if run is None:
        return talk, nothing_yet(), "", *_idle()
    talk = replace(talk, columns=columns.columns_of(studio, run, also))
    return talk, pane(talk, True), "", *_idle()


def _idle() -> tuple:
    """Values of ``Parts.idle()``: nothing is being answered or corrected."""
    return None, *buttons(False), *keeping.closed()


def choose(studio: Studio, run_id: str | None, running: Running | None) -> tuple:
    """An empty conversation with another run, prompts from its held-out rows, and its recipe's system prompt."""
    emptied, run = clear(studio, run_id, [], running), studio.find_run(run_id)
    prompts = suggestions(studio.data.held_out_prompts(run)) if run else ""
    system = (run.recipe.data.system or "") if run else ""
    return *emptied, prompts, system, raters(studio), columns.choices(studio, run)


def raters(studio: Studio) -> gr.Dropdown:
    """The chooser of a reward model, with all of them as choices; hidden while there is none."""
    found = [(views.run_label(run.id, view), run.id) for run, view in studio.views() if chooser.rates(view)]
    return gr.Dropdown([NO_RATER, *found], visible=bool(found))


def rated(studio: Studio, talk: Talk, rater: str) -> Talk:
    """The conversation with the scores of its last answers by the reward model of the run ``rater``."""
    last = talk.turns[-1]
    asked = messages(studio.workspace.run(rater).recipe, last.question)
    scores = studio.raters.scores(rater, asked, tuple(said.text for said in last.said))
    return talk.changed(scores=tuple(scores))


def suggestions(prompts: list[str]) -> str:
    """Prompts to try, as buttons."""
    if not prompts:
        return ""
    chips = "".join(
        f"<li><button type='button' class='chip' data-pick='{prompt}'>{prompt}</button></li>"
        for prompt in map(escape, prompts)
    )
    words = "<p class='small' id='try'>Try a held-out prompt, which the run was not trained on:</p>"
    return f"{words}<ul class='chips' aria-labelledby='try'>{chips}</ul>"


def redraw(talk: Talk, mark: bool) -> str:
    """The same conversation with or without marks."""
    return pane(talk, mark) if talk.run_id else nothing_yet()

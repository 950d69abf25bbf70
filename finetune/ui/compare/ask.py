"""Ask: the same question to base and tuned at once, from one copy of the weights."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from html import escape

import gradio as gr
from pydantic import ValidationError

from finetune import format
from finetune.errors import FinetuneError, RunError
from finetune.inference.chat import Pair, Reply, differences, truncated
from finetune.inference.question import messages
from finetune.inference.sampling import Sampling
from finetune.settings import problems_of
from finetune.ui import chooser, views
from finetune.ui.chooser import Chooser
from finetune.ui.form import Form
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

NO_RATER = ("No reward model", "")
"""The choice of none: its label and its value."""
LONGEST_QUESTION = 8000
"""Characters."""
LONGEST_SYSTEM = 4000
"""Characters, as many as a recipe's system prompt has at most."""
REDRAW_S = 0.08
"""Answers are redrawn at most this often: faster than the eye reads, slower than tokens come."""


@dataclass(frozen=True)
class Turn:
    """A question and the two answers so far."""

    question: str
    base: str = ""
    tuned: str = ""
    scores: tuple[float, ...] = ()
    """Of base and tuned, by a reward model; empty if none was asked."""


@dataclass(frozen=True)
class Talk:
    """The conversation on one page with one run."""

    run_id: str = ""
    turns: tuple[Turn, ...] = ()


@dataclass
class Parts:
    """The components that the wires need."""

    talk: gr.State
    pane: gr.HTML
    line: gr.HTML
    question: gr.Textbox
    ask: gr.Button
    stop: gr.Button
    clear: gr.Button
    mark: gr.Checkbox
    rater: gr.Dropdown
    """The reward model that rates both answers; visible once there is one."""
    suggestions: gr.HTML
    system: gr.Textbox
    sampling: Form

    def asked(self) -> list:
        """The components that asking changes."""
        return [self.talk, self.pane, self.line, self.question, self.ask, self.stop]


def draw(studio: Studio) -> Parts:
    """The view's components."""
    sampling = Form()
    pane = gr.HTML(nothing_yet(), elem_id="pane", elem_classes="pane")
    line = gr.HTML(elem_id="compare-line")
    with gr.Row(elem_classes="ask-row"):
        question = gr.Textbox(
            placeholder="Ask both models…",
            show_label=False,
            label="Your question",
            lines=1,
            max_lines=6,
            scale=5,
            elem_id="question",
            max_length=LONGEST_QUESTION,
        )
        ask = gr.Button("Ask both", variant="primary", elem_id="ask", scale=0, min_width=130)
        stop = gr.Button("Stop", visible=False, elem_id="compare-stop", scale=0, min_width=130)
    suggestions = gr.HTML(js_on_load=views.PICK, elem_id="suggestions")
    with gr.Row(elem_classes="actions"):
        mark = gr.Checkbox(True, label="Mark the words that differ", container=False, elem_id="mark")
        clear = gr.Button("Clear", size="sm", elem_id="clear", scale=0, min_width=100)
    rater = gr.Dropdown(
        [NO_RATER],
        value=NO_RATER[1],
        label="Reward model",
        info="Scores both answers; higher is better.",
        filterable=False,
        visible=False,
        elem_id="rater",
    )
    with gr.Accordion("Sampling settings", open=False, elem_id="sampling"):
        system = gr.Textbox(
            label="System prompt",
            info="Comes before the conversation, for base and tuned alike. At first the recipe's; empty for none.",
            lines=2,
            max_lines=6,
            elem_id="system",
            max_length=LONGEST_SYSTEM,
        )
        with gr.Row(elem_classes="fields"):
            sampling.draw_rest("", Sampling)
    return Parts(
        talk=gr.State(Talk()),
        pane=pane,
        line=line,
        question=question,
        ask=ask,
        stop=stop,
        clear=clear,
        mark=mark,
        rater=rater,
        suggestions=suggestions,
        system=system,
        sampling=sampling,
    )


def wire(studio: Studio, parts: Parts, chosen: Chooser, tab: gr.Tab) -> None:
    """The view's own events."""
    run = chosen.dropdown
    given = [run, parts.talk, parts.mark, parts.rater, parts.system, *parts.sampling.components()]
    asking = gr.on(
        [parts.ask.click, parts.question.submit],
        partial(ask, studio, parts.sampling),
        [parts.question, *given],
        parts.asked(),
        api_name="compare_ask",
        concurrency_limit=4,
        **QUIET,
    )

    # Gradio finds an event among a function's own parameters, which a partial hides.
    def suggestion(event: gr.EventData, *values) -> Iterator[tuple]:
        yield from ask(studio, parts.sampling, event.pick, *values)

    suggested = parts.suggestions.pick(
        suggestion, given, parts.asked(), api_name="compare_try", concurrency_limit=4, **QUIET
    )
    parts.stop.click(
        stopped, None, [parts.ask, parts.stop], cancels=[asking, suggested], api_name="compare_stop", **QUIET
    )
    parts.clear.click(
        clear,
        run,
        [parts.talk, parts.pane, parts.line, parts.ask, parts.stop],
        cancels=[asking, suggested],
        api_name="compare_clear",
        **QUIET,
    )
    parts.mark.change(redraw, [parts.talk, parts.mark], parts.pane, api_name="compare_mark", **QUIET)
    run.change(
        partial(choose, studio),
        run,
        [parts.talk, parts.pane, parts.line, parts.suggestions, parts.system, parts.rater],
        cancels=[asking, suggested],
        api_name="compare_choose",
        **QUIET,
    )


def ask(
    studio: Studio, form: Form, question: str, run_id: str | None, talk: Talk, mark: bool, rater: str | None, *given
) -> Iterator[tuple]:
    """The growing answers, as values of ``Parts.asked()``; an error is a notice in the line below them."""
    question = (question or "").strip()[:LONGEST_QUESTION]
    if not question:
        yield gr.skip(), gr.skip(), views.small("Type a question first."), gr.skip(), *buttons(False)
        return
    earlier = talk.turns if talk.run_id == run_id else ()
    talk, system, given = Talk(run_id or "", (*earlier, Turn(question))), given[0], given[1:]
    yield talk, pane(talk, mark, waiting=True), views.small("Generating both answers…"), "", *buttons(True)
    try:
        with studio.queue.beside():
            for grown, line in answers(studio, talk, (system or "").strip(), sampling_of(form.values(given))):
                talk = grown
                yield talk, pane(talk, mark), line, gr.skip(), *buttons(True)
            if rater:
                talk = rated(studio, talk, rater)
    except FinetuneError as error:
        talk = Talk(talk.run_id, earlier)
        yield talk, pane(talk, mark), views.notice_of(error), question, *buttons(False)
        return
    yield talk, pane(talk, mark), line, gr.skip(), *buttons(False)


def answers(studio: Studio, talk: Talk, system: str, sampling: Sampling) -> Iterator[tuple[Talk, str]]:
    """The conversation as its last turn is answered, with the line of facts about it."""
    run = studio.find_run(talk.run_id)
    if run is None:
        raise RunError(
            "There is no finished run to compare.", "Train one first; it takes a minute or two with a sample."
        )
    turn, stop, drawn_at = talk.turns[-1], threading.Event(), 0.0
    pair = studio.pairs.get(run.id)
    earlier = talk.turns[:-1]
    base = messages(run.recipe, turn.question, [(each.question, each.base) for each in earlier], system)
    tuned = messages(run.recipe, turn.question, [(each.question, each.tuned) for each in earlier], system)
    try:
        for reply in pair.reply(base, tuned, sampling, stop=stop):
            if reply.done or time.monotonic() - drawn_at > REDRAW_S:
                drawn_at = time.monotonic()
                grown = Talk(talk.run_id, (*talk.turns[:-1], Turn(turn.question, reply.base, reply.tuned)))
                yield grown, facts(pair, sampling, reply)
    finally:
        stop.set()


def sampling_of(values: dict[str, object]) -> Sampling:
    """The sampling settings of the form; a value out of bounds raises ``RunError`` with what is wrong."""
    try:
        return Sampling(**values)
    except ValidationError as error:
        raise RunError("These sampling settings are not valid.", problems=tuple(problems_of(error))) from None


def facts(pair: Pair, sampling: Sampling, reply: Reply) -> str:
    """How the two answers were made, and whether they were truncated, in a line."""
    parts = [
        *(["Both continue the text (no chat template)"] if pair.continues_text else []),
        views.capital(pair.how.reason),
        "greedy decoding: the most likely token each time" if sampling.greedy else f"same seed {sampling.seed}",
        f"{format.amount(reply.tokens_per_s)} tokens/s",
        *truncated(reply),
    ]
    return f"<p class='figures'>{' <i>·</i> '.join(map(escape, parts))}</p>"


def buttons(busy: bool) -> tuple:
    """The Ask and the Stop button; one of them is visible at a time."""
    return gr.Button(visible=not busy), gr.Button(visible=busy)


def stopped() -> tuple:
    """The buttons after Stop; the answers so far stay."""
    return buttons(False)


def clear(run_id: str | None) -> tuple:
    """An empty conversation with the same run."""
    talk = Talk(run_id or "")
    return talk, pane(talk, True), "", *buttons(False)


def choose(studio: Studio, run_id: str | None) -> tuple:
    """An empty conversation with another run, prompts from its held-out rows, and its recipe's system prompt."""
    run, talk = studio.find_run(run_id), Talk(run_id or "")
    if run is None:
        return talk, nothing_yet(), "", "", "", raters(studio)
    prompts, system = suggestions(studio.data.held_out_prompts(run)), run.recipe.data.system or ""
    return talk, pane(talk, True), "", prompts, system, raters(studio)


def raters(studio: Studio) -> gr.Dropdown:
    """The chooser of a reward model, with all of them as choices; hidden while there is none."""
    found = [(views.run_label(run.id, view), run.id) for run, view in studio.views() if chooser.rates(view)]
    return gr.Dropdown([NO_RATER, *found], visible=bool(found))


def rated(studio: Studio, talk: Talk, rater: str) -> Talk:
    """The conversation with the scores of its last two answers by the reward model of the run ``rater``."""
    last = talk.turns[-1]
    asked = messages(studio.workspace.run(rater).recipe, last.question)
    scores = studio.raters.scores(rater, asked, (last.base, last.tuned))
    return replace(talk, turns=(*talk.turns[:-1], replace(last, scores=scores)))


def suggestions(prompts: list[str]) -> str:
    """Prompts to try, as buttons."""
    if not prompts:
        return ""
    chips = "".join(
        f"<li><button type='button' class='chip' data-pick='{escape(prompt)}'>{escape(prompt)}</button></li>"
        for prompt in prompts
    )
    words = "<p class='small' id='try'>Try a held-out prompt, which the run was not trained on:</p>"
    return f"{words}<ul class='chips' aria-labelledby='try'>{chips}</ul>"


def redraw(talk: Talk, mark: bool) -> str:
    """The same conversation with or without marks."""
    return pane(talk, mark) if talk.run_id else nothing_yet()


def pane(talk: Talk, mark: bool, waiting: bool = False) -> str:
    """The conversation: each question across the page, its two answers side by side."""
    heads = "<div class='sides heads'><h3>Base</h3><h3>Tuned</h3></div>"
    if not talk.turns:
        before, after = [("The model before training.", None)], [("The model after training.", None)]
        return f"{heads}<div class='sides quiet'>{_answer('Base', before, '')}{_answer('Tuned', after, '')}</div>"
    turns = "".join(_turn(turn, mark, waiting and turn is talk.turns[-1]) for turn in talk.turns)
    return f"{heads}<div role='log' aria-label='Conversation'>{turns}</div>"


def _turn(turn: Turn, mark: bool, waiting: bool) -> str:
    base, tuned = [(turn.base, None)], [(turn.tuned, None)]
    if mark and turn.base and turn.tuned:
        base, tuned = differences(turn.base, turn.tuned)
    wait = "<span class='waiting' aria-label='generating'>…</span>" if waiting else ""
    return (
        f"<p class='question'><span class='visually-hidden'>You asked: </span>{escape(turn.question)}</p>"
        f"<div class='sides'>{_answer('Base', base, wait, *turn.scores[:1])}"
        f"{_answer('Tuned', tuned, wait, *turn.scores[1:])}</div>"
    )


def _answer(title: str, parts: list[tuple[str, str | None]], wait: str, score: float | None = None) -> str:
    body = "".join(f"<mark class='differs'>{escape(text)}</mark>" if sign else escape(text) for text, sign in parts)
    scored = "" if score is None else f"<span class='small score'>Score {score:.2f}</span>"
    return f"<div class='answer {title.lower()}'><span class='side'>{title}</span>{body or wait}{scored}</div>"


def nothing_yet() -> str:
    """What the view says before any run is finished."""
    return views.empty("No run is finished yet.", "Train one first. Then you ask both models the same question here.")

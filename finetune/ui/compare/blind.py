"""Blind test: two answers without names, and people say which is better. The votes train the next round."""

from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path

import gradio as gr

from finetune.data.readers import SUFFIXES
from finetune.errors import DataError, FinetuneError, RunError
from finetune.evaluation import ballot, prompts
from finetune.evaluation.next_round import choose_method, next_recipe
from finetune.evaluation.rounds import chain, result
from finetune.inference.sampling import Sampling
from finetune.runs.links import link
from finetune.runs.run import Run
from finetune.ui import inputs, views
from finetune.ui.chooser import Chooser
from finetune.ui.compare import booth
from finetune.ui.form import LONGEST_LIST
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

VIEW = "vote"
"""The view that an invitation opens (``finetune.runs.links``), and its address (``finetune.ui.invitation``)."""
DEFAULT_PROMPTS = 20
SOURCES = (("Held-out rows", "held-out"), ("Your own list", "list"), ("A file", "file"))
TICK_S = 2.0
"""How often answers that are being made, or votes of others, are looked for."""
REACH = (
    "Whoever opens this address can vote, and it shows nothing else. Others in your network reach it if the program "
    "was started with --host 0.0.0.0."
)

INVITE = """
element.addEventListener('click', event => {
  const copy = event.target.closest('button[data-copy]');
  if (copy) navigator.clipboard?.writeText(element.querySelector('a').href).then(() => copy.textContent = 'Copied');
});
const show = () => { for (const link of element.querySelectorAll('a')) link.textContent = link.href; };
watch('value', show); show();
"""
"""Shows the whole address of a link, which the server does not know, and copies it."""


@dataclass
class Parts:
    """The components that the wires need."""

    voter: gr.Textbox
    """Carries the browser's voter id in an event; it is empty in the page itself."""
    notice: gr.HTML
    setup: gr.Column
    source: gr.Radio
    count: gr.Number
    own: gr.Textbox
    file: gr.File
    begin: gr.Button
    name: gr.Textbox
    board: gr.HTML
    next: gr.Button
    invitation: gr.HTML
    clock: gr.Timer

    def shown(self) -> list:
        """The components that ``show`` has values for."""
        return [self.notice, self.setup, self.name, self.board, self.next, self.invitation, self.clock]


def draw(studio: Studio) -> Parts:
    """The view's components."""
    notice = gr.HTML(elem_id="blind-notice")
    with gr.Column(visible=False, elem_id="blind-setup") as setup:
        gr.HTML(
            views.small(
                "Which answers do people like better, if they do not know which model wrote them? You judge pairs of "
                "answers without names; others can judge the same ones through a link."
            )
        )
        source = gr.Radio(list(SOURCES), value="held-out", label="Questions", elem_id="blind-source")
        count = gr.Number(
            DEFAULT_PROMPTS,
            label="How many",
            precision=0,
            minimum=1,
            maximum=prompts.MOST_PROMPTS,
            elem_id="blind-count",
        )
        own = gr.Textbox(
            label="Your questions",
            info="One a line.",
            lines=6,
            max_lines=14,
            max_length=LONGEST_LIST,
            visible=False,
            elem_id="blind-own",
        )
        file = gr.File(
            label="File with questions", file_types=list(SUFFIXES), visible=False, height=140, elem_id="blind-file"
        )
        gr.HTML(views.small(settings_words(Sampling())))
        with gr.Row(elem_classes="actions"):
            begin = gr.Button("Start the blind test", variant="primary", elem_id="blind-begin", scale=0, min_width=200)
    board, name = draw_booth()
    with gr.Row(elem_classes="actions"):
        following = gr.Button(
            "Train the next round", variant="primary", visible=False, elem_id="blind-next", scale=0, min_width=320
        )
    return Parts(
        voter=gr.Textbox(visible=False),
        notice=notice,
        setup=setup,
        source=source,
        count=count,
        own=own,
        file=file,
        begin=begin,
        name=name,
        board=board,
        next=following,
        invitation=gr.HTML(js_on_load=INVITE, elem_id="invitation"),
        clock=gr.Timer(TICK_S, active=False),
    )


def settings_words(sampling: Sampling) -> str:
    """How both models answer, as a sentence."""
    return (
        f"Both models answer with the same settings: temperature {sampling.temperature:g}, seed {sampling.seed}, at "
        f"most {sampling.max_tokens} tokens."
    )


def draw_booth() -> tuple[gr.HTML, gr.Textbox]:
    """The board and the field of a voter's name, on this view and on the page of invited voters."""
    board = gr.HTML(js_on_load=booth.BOARD, elem_id="board")
    name = gr.Textbox(
        label="Your name (optional)", max_lines=1, max_length=60, visible=False, elem_id="voter-name", scale=0
    )
    return board, name


def wire(studio: Studio, parts: Parts, chosen: Chooser, tab: gr.Tab) -> None:
    """The view's own events; ``tab`` is what holds it."""
    run, js = chosen.dropdown, booth.VOTER

    # Gradio finds an event among a function's own parameters, which a partial hides.
    def picked(event: gr.EventData, voter: str, run_id: str | None, name: str) -> list:
        return pick(studio, voter, run_id, name, inputs.picked(event))

    here = [parts.voter, run]
    parts.source.change(
        choose_source, parts.source, [parts.count, parts.own, parts.file], api_name="blind_source", **QUIET
    )
    parts.begin.click(
        partial(begin, studio),
        [*here, parts.source, parts.count, parts.own, parts.file],
        parts.shown(),
        js=js,
        api_name="blind_begin",
        **QUIET,
    )
    parts.board.pick(picked, [*here, parts.name], parts.shown(), js=js, api_name="blind_pick", **booth.AT_ONCE)
    for event, called in ((run.change, "blind_choose"), (parts.clock.tick, "blind_tick")):
        event(partial(show, studio), here, parts.shown(), js=js, queue=False, api_name=called, **QUIET)


def choose_source(source: str) -> tuple:
    """The fields of one source of questions."""
    return (
        gr.Number(visible=source != "list"),
        gr.Textbox(visible=source == "list"),
        gr.File(visible=source == "file"),
    )


def begin(
    studio: Studio, voter: str, run_id: str | None, source: str, count: float | None, own: str, file: str | None
) -> list:
    """Draw up the ballot and begin to ask; or stay and say what is wrong with the questions."""
    try:
        run = found_run(studio, run_id)
        studio.rights.require_change(run)
        ballot.draw_up(run, asked(studio, run, source, count, own or "", file), source)
    except FinetuneError as error:
        return show(studio, voter, run_id, views.notice_of(error))
    return show(studio, voter, run_id)


def asked(
    studio: Studio, run: Run, source: str, count: float | None, own: str, file: str | None
) -> list[prompts.Prompt]:
    """The prompts that a person has chosen; ``DataError`` if there are none."""
    if source == "list":
        return prompts.of_list(run.recipe, own)
    if not count or not 1 <= count <= prompts.MOST_PROMPTS:
        raise DataError(
            "The number of questions is out of bounds.", f"Choose a number from 1 to {prompts.MOST_PROMPTS}."
        )
    if source == "held-out":
        return prompts.of_held_out(run, studio.everything, int(count))
    if not file:
        raise DataError("There is no file yet.", "Drop a file with questions.")
    path = studio.data.add_upload(Path(file), Path(file).name).path
    return prompts.of_file(run.recipe, path, studio.workspace.find, int(count))


def pick(studio: Studio, voter: str, run_id: str | None, name: str, picked: str) -> list:
    """A vote, or another click on the board; what cannot be done is said above it."""
    try:
        run = found_run(studio, run_id)
        confirm = booth.act(studio, run, voter, name, picked, studio.rights.visitor.may_change(run.owner))
    except FinetuneError as error:
        return show(studio, voter, run_id, views.notice_of(error))
    return show(studio, voter, run_id, confirm=confirm)


def show(studio: Studio, voter: str, run_id: str | None, notice: str = "", confirm: str = "") -> list:
    """Values of ``Parts.shown()``: the setup of a test, or where ``voter`` is in it."""
    run = studio.find_run(run_id)
    if run is None:
        empty = views.empty("No run is finished yet.", "Train one first. Then people judge its answers here.")
        return [notice or empty, gr.Column(visible=False), *_without_board(), gr.Timer(active=False)]
    try:
        booth.require_voter(voter)
        board = booth.board(studio, run, voter, confirm, chain(studio.everything, run))
    except FinetuneError as error:
        return [views.notice_of(error), gr.Column(visible=False), *_without_board(), gr.Timer(active=False)]
    if board.stage == "none":
        return [notice, gr.Column(visible=True), *_without_board(), gr.Timer(active=False)]
    return [
        notice,
        gr.Column(visible=False),
        gr.Textbox(visible=board.stage == "voting"),
        board.html,
        _next_button(run, board.stage),
        _invitation(run) if studio.rights.visitor.may_change(run.owner) else "",
        gr.Timer(active=board.stage in ("waiting", "result") and not confirm),
    ]


def next_round(studio: Studio, run_id: str | None) -> tuple[str | None, str]:
    """Queue the next round on the votes; its run's id, or None and what is wrong as a notice."""
    try:
        return studio.start(next_recipe(found_run(studio, run_id), studio.everything)).id, ""
    except FinetuneError as error:
        return None, views.notice_of(error)


def found_run(studio: Studio, run_id: str | None) -> Run:
    """The run named ``run_id``; ``RunError`` if there is none."""
    run = studio.find_run(run_id)
    if run is None:
        raise RunError("There is no finished run to judge.", "Train one first.")
    return run


def _without_board() -> list:
    return [gr.Textbox(visible=False), "", gr.Button(visible=False), ""]


def _next_button(run: Run, stage: booth.Stage) -> gr.Button:
    """The button of the next round, which names its method; it says so as well when votes are missing."""
    if stage != "result":
        return gr.Button(visible=False)
    try:
        method = choose_method(result(run)).value.upper()
    except RunError:
        method = "DPO"
    return gr.Button(f"Train the next round on these votes ({method})", visible=True)


def _invitation(run: Run) -> str:
    address = f"{VIEW}?key={link(run, VIEW)}"
    opens = f"<a href='{escape(address)}' target='_blank'>{escape(address)}</a>"
    copies = "<button type='button' class='fix' data-copy>Copy</button>"
    return f"<p class='small invite'>Link for other voters: {opens} {copies}</p>{views.small(REACH)}"

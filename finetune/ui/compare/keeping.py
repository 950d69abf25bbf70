"""A good answer is kept as a training row, a bad one is corrected, and a question is edited."""

from dataclasses import dataclass
from functools import partial

import gradio as gr

from finetune import format
from finetune.errors import FinetuneError
from finetune.runs import kept
from finetune.runs.kept import ANSWERS, CORRECTIONS, Collection
from finetune.ui import inputs, views
from finetune.ui.compare.pane import pane
from finetune.ui.compare.talk import Talk, title
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

LONGEST_ANSWER = 40_000
"""Characters of a corrected answer."""
TO_FORM = """() => {
  const box = document.querySelector('#correct-text textarea');
  if (box?.offsetParent) { box.focus(); box.scrollIntoView({block: 'center'}); return; }
  const question = document.querySelector('#question textarea');
  if (question?.value && document.activeElement === document.body) question.focus();
}"""
"""The focus goes to the answer that is corrected, or to the question that is edited."""


@dataclass
class Keeping:
    """The form in which an answer is corrected, and what was kept last."""

    at: gr.State
    """Turn and column of the answer that is being corrected."""
    form: gr.Column
    text: gr.Textbox
    save: gr.Button
    cancel: gr.Button
    note: gr.HTML

    def opened(self) -> list:
        """The components that ``closed`` has values for."""
        return [self.form, self.text, self.note]


def draw() -> Keeping:
    """The form, closed."""
    note = gr.HTML(elem_id="kept-note")
    with gr.Column(visible=False, elem_id="correct-form") as form:
        text = gr.Textbox(
            label="The answer as it should be",
            info="Saved as a preference pair: your text is preferred to the answer.",
            lines=4,
            max_lines=14,
            max_length=LONGEST_ANSWER,
            elem_id="correct-text",
        )
        with gr.Row(elem_classes="actions"):
            save = gr.Button("Save the pair", variant="primary", size="sm", elem_id="correct-save", scale=0)
            cancel = gr.Button("Cancel", size="sm", elem_id="correct-cancel", scale=0)
    return Keeping(at=gr.State(None), form=form, text=text, save=save, cancel=cancel, note=note)


def closed(note: str = "") -> tuple:
    """Values of ``Keeping.opened()``: nothing is corrected."""
    return gr.Column(visible=False), "", note


def wire(studio: Studio, parts) -> None:
    """The events of the buttons under the answers and of the form; ``parts`` are those of the view."""
    form, changed = parts.keeping, [parts.talk, parts.pane, *parts.keeping.opened()]

    # Gradio finds an event among a function's own parameters, which a partial hides.
    def picked(event: gr.EventData, *values) -> tuple:
        return act(studio, inputs.picked(event), *values)

    parts.pane.pick(
        picked,
        [parts.talk, parts.mark],
        [parts.question, form.at, *changed],
        api_name="compare_pick",
        **QUIET,
    ).then(None, None, None, js=TO_FORM, api_visibility="private")
    form.save.click(
        partial(save, studio),
        [form.at, form.text, parts.talk, parts.mark],
        changed,
        api_name="compare_correct",
        **QUIET,
    )
    form.cancel.click(closed, None, form.opened(), api_name="compare_cancel", **QUIET)


def place_of(pick: str, talk: Talk) -> int | None:
    """The turn, from 0, that a button like ``retry:3`` stands at; None if there is none (any more)."""
    place = pick.split(":")[1:2]
    return int(place[0]) if place and place[0].isdecimal() and int(place[0]) < len(talk.turns) else None


def act(studio: Studio, pick: str, talk: Talk, mark: bool) -> tuple:
    """Question, ``Keeping.at``, the conversation, its pane and the form, after a button in the pane."""
    verb, place = pick.partition(":")[0], place_of(pick, talk)
    skipped = [gr.skip()] * 2
    if place is None:
        return *skipped, gr.skip(), gr.skip(), *[gr.skip()] * 3
    if verb == "edit":
        talk, question = talk.before(place), talk.turns[place].question
        return question, None, talk, pane(talk, mark), *closed()
    column = _column_of(pick, talk, place)
    if column is None:
        return *skipped, gr.skip(), gr.skip(), *[gr.skip()] * 3
    if verb == "keep":
        return *skipped, *_kept(studio, talk, mark, place, column)
    text = gr.Textbox(talk.turns[place].said[column].text, label=_label(talk, place, column))
    return gr.skip(), (place, column), gr.skip(), gr.skip(), gr.Column(visible=True), text, ""


def save(studio: Studio, at: tuple[int, int] | None, text: str, talk: Talk, mark: bool) -> tuple:
    """The conversation, its pane and the form, after an answer was corrected; or what is wrong with it."""
    place, column = at or (0, 0)
    if at is None or place >= len(talk.turns) or column >= len(talk.turns[place].said):
        return gr.skip(), gr.skip(), *closed()
    turn = talk.turns[place]
    try:
        studio.rights.require_training()
        count = kept.correct(studio.workspace, turn.asked[column], turn.said[column].text, text or "")
    except FinetuneError as error:
        return gr.skip(), gr.skip(), gr.skip(), gr.skip(), views.notice_of(error)
    talk = talk.changed(place, corrected=turn.corrected | {column})
    return talk, pane(talk, mark), *closed(_told(CORRECTIONS, count))


def _kept(studio: Studio, talk: Talk, mark: bool, place: int, column: int) -> tuple:
    turn = talk.turns[place]
    try:
        studio.rights.require_training()
        count = kept.keep(studio.workspace, turn.asked[column], turn.said[column].text)
    except FinetuneError as error:
        return gr.skip(), gr.skip(), gr.skip(), gr.skip(), views.notice_of(error)
    talk = talk.changed(place, kept=turn.kept | {column})
    return talk, pane(talk, mark), *closed(_told(ANSWERS, count))


def _told(collection: Collection, count: int) -> str:
    """Where the row is now, in a sentence."""
    rows = format.counted(count, collection.noun, collection.plural)
    return f"<p class='small' role='status'>Saved. The Data tab offers “{collection.title}”: {rows}.</p>"


def _label(talk: Talk, place: int, column: int) -> str:
    name = title(talk.columns[column], talk.run_id)
    return f"The answer of “{name}” to question {place + 1}, as it should be"


def _column_of(pick: str, talk: Talk, place: int) -> int | None:
    column = pick.split(":")[2:3]
    is_there = column and column[0].isdecimal() and int(column[0]) < len(talk.turns[place].said)
    return int(column[0]) if is_there else None

"""“Hand over”: a finished run is written in the form in which it will be used, and checked. The page may be closed.

What was asked for stands in the run directory (``finetune.exports.handover``); the queue's own thread does it, and this
fold reads it as the rest of the tab reads the run.
"""

import os
import shutil
import zipfile
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path

import gradio as gr

from finetune.errors import FinetuneError, RunError
from finetune.exports import TARGETS
from finetune.exports.handover import Handover, options_of
from finetune.exports.parity import Compared, Parity
from finetune.exports.target import Exported
from finetune.models.account import account, token_or_refuse
from finetune.runs.run import Run
from finetune.runs.view import View
from finetune.service.handing_over import handovers
from finetune.ui import downloads, inputs, views, visitor
from finetune.ui.chooser import Chooser, is_finished
from finetune.ui.form import Form
from finetune.ui.studio import Studio
from finetune.ui.train.folds import Content, Fold
from finetune.ui.views import QUIET

NOTHING = views.empty(
    "A finished run can be handed over.", "Train one first: its model then leaves in a form you choose."
)
FIRST = views.small(
    "Choose a form below. A model that was written is asked five questions, to see that it answers as the run does."
)
OPEN = """() => {
  const label = document.querySelector('#handover > button');
  if (!label.classList.contains('open')) label.click();
  label.scrollIntoView({block: 'start', behavior: 'smooth'});
}"""
"""Opens the fold and shows it."""
SETTLE = "(board, notice) => board.includes('progressbar') ? notice : ''"
"""Keeps what was said of a click until what it was said of is done."""


@dataclass
class Parts:
    """The components below the board of the fold."""

    target: gr.Radio
    purpose: gr.HTML
    form: Form
    groups: dict[str, gr.Group]
    """The options of each target that has some."""
    button: gr.Button
    notice: gr.HTML
    ready: gr.Textbox
    """Hidden: the link to the file to download."""


def content(studio: Studio) -> Content:
    """The board: every handover of the run."""
    return Content("handover", "Hand over", state, partial(board, studio), NOTHING, views.PICK)


def state(run: Run, view: View) -> tuple:
    """What the board shows; equal where it looks the same."""
    stamps = (
        (file.name, file.stat().st_mtime_ns)
        for each in handovers(run)
        for file in sorted(each.folder.glob("*.json"))
        if file.exists()
    )
    return view.state, view.has_model, *stamps


def board(studio: Studio, run: Run, view: View) -> str:
    """Every handover of ``run``: how far it is, whether it answers as the run does, and what to do with it."""
    if not is_finished(view):
        return NOTHING
    return "".join(_card(studio, each) for each in handovers(run)) or FIRST


def draw() -> Parts:
    """The choice of a form, drawn inside the fold."""
    names = [(target.title, name) for name, target in TARGETS.items()]
    first = next(iter(TARGETS))
    target = gr.Radio(names, value=first, label="Form", elem_id="handover-target")
    purpose = gr.HTML(purpose_of(first), elem_id="handover-purpose")
    form, groups = Form(), {}
    for name, each in TARGETS.items():
        if each.options.model_fields:
            with gr.Group(visible=name == first) as groups[name], gr.Row(elem_classes="fields"):
                form.draw_rest(name, each.options)
    notice = gr.HTML(elem_id="handover-notice")
    with gr.Row(elem_classes="actions"):
        button = gr.Button("Write it", elem_id="hand-over", scale=0, min_width=160)
        ready = downloads.slot()
    return Parts(target=target, purpose=purpose, form=form, groups=groups, button=button, notice=notice, ready=ready)


def wire(studio: Studio, parts: Parts, fold: Fold, chooser: Chooser) -> None:
    """A click has the run written; one on the board downloads what was."""
    parts.target.change(
        partial(chosen, studio, parts),
        parts.target,
        [parts.purpose, *parts.groups.values()],
        api_name="handover_form",
        **QUIET,
    )
    parts.button.click(
        partial(ask, studio, parts.form),
        [chooser.dropdown, parts.target, *parts.form.components()],
        [parts.notice, fold.seen],
        api_name="handover",
        **QUIET,
    )
    fold.board.change(None, [fold.board, parts.notice], parts.notice, js=SETTLE, api_visibility="private")

    # Gradio finds an event among a function's own parameters, which a partial hides.
    def pick(run_id: str | None, event: gr.EventData) -> tuple[str, str]:
        return fetch(studio, run_id, inputs.picked(event))

    event = fold.board.pick(
        pick, chooser.dropdown, [parts.notice, parts.ready], api_name="handover_file", api_visibility="private"
    )
    event.success(None, parts.ready, None, js=downloads.TO_FILE, api_visibility="private")


def purpose_of(name: str) -> str:
    """What the form ``name`` is for."""
    return views.small(TARGETS[name].purpose)


def chosen(studio: Studio, parts: Parts, name: str) -> list:
    """The purpose of the form ``name``, whose account it is sent with if it leaves this machine, and its options."""
    sent = views.small(_account(studio)) if TARGETS[name].leaves else ""
    return [purpose_of(name) + sent, *(gr.Group(visible=each == name) for each in parts.groups)]


def _account(studio: Studio) -> str:
    """The account on the Hub with which the visitor sends, or why there is none, as sentences."""
    token = visitor.token()
    try:
        studio.rights.require_own_account(token)
        return f"It is sent with the account “{account(token_or_refuse(token))}”."
    except FinetuneError as error:
        return f"{error.message} {error.hint}"


def ask(studio: Studio, form: Form, run_id: str | None, name: str, *given: object) -> tuple:
    """Ask for a handover; the notice, and None, with which the fold is drawn anew."""
    try:
        run = studio.workspace.run(run_id or "")
        studio.rights.require_change(run)
        target = TARGETS[name]
        token = visitor.token() if target.leaves else None
        if target.leaves:
            studio.rights.require_own_account(token)
        options = options_of(target, _given(form.values(given), f"{name}."))
        studio.queue.handing_over.ask(run, target, options, token)
    except FinetuneError as error:
        return views.notice_of(error), gr.skip()
    return "", None


def _given(values: dict[str, object], prefix: str) -> dict[str, object]:
    """What was filled in under ``prefix``, by the name of the option."""
    return {path.removeprefix(prefix): each for path, each in values.items() if path.startswith(prefix) and each != ""}


def fetch(studio: Studio, run_id: str | None, pick: str) -> tuple[str, str]:
    """The notice, and the link to what was written of the form that ``pick`` (``download:NAME``) names."""
    try:
        run = studio.workspace.run(run_id or "")
        studio.rights.require_change(run)
        target = TARGETS.get(pick.partition(":")[2])
        exported = target and Handover(run, target).exported
        if not exported or not exported.path.exists():
            raise RunError("There is nothing to download (any more).", "Have it written again.")
        return "", studio.downloads.link(packed(exported.path, studio.downloads.folder()))
    except FinetuneError as error:
        return views.notice_of(error), ""
    except FileNotFoundError:
        return views.notice("The run was deleted while it was packed.", "There is nothing left to download."), ""


def packed(path: Path, to: Path) -> Path:
    """A file in ``to`` with what is at ``path``: a file as it is, a folder as a zip."""
    if path.is_dir():
        return _zipped(path, to / f"{path.name}.zip")
    try:
        os.link(path, to / path.name)
    except OSError:
        shutil.copyfile(path, to / path.name)
    return to / path.name


def _zipped(folder: Path, to: Path) -> Path:
    """``folder`` as a zip at ``to``; weights do not compress, so nothing is."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            archive.write(file, file.relative_to(folder.parent))
    return to


def _card(studio: Studio, handover: Handover) -> str:
    exported, parity = handover.exported, handover.parity
    parts = [f"<h4>{escape(handover.target.title)} <span class='small'>{escape(_standing(handover))}</span></h4>"]
    if handover.is_asked:
        what, share = handover.progress
        parts.append(views.bar(share or None, what or "about to begin"))
    message, hint = handover.failure
    if message:
        parts.append(views.notice(message, hint, kind="warning"))
    if exported and exported.path.exists():
        parts += [views.small(exported.note), _place(studio, handover, exported)]
        parts.append(_parity(parity) if parity else "")
        parts.append(_steps(studio, handover, exported))
    return f"<section class='handover'>{''.join(parts)}</section>"


def _standing(handover: Handover) -> str:
    """How far it is, in a few words."""
    if handover.is_asked:
        what = handover.progress[0] or "about to begin"
        is_written = handover.target.is_quick and handover.written and what.startswith("waiting")
        return f"written, {what} for its parity check" if is_written else what
    if handover.failure[0]:
        if not handover.written:
            return "failed"
        is_unchecked = handover.target.answers and not handover.parity
        return "written, not checked" if is_unchecked else "failed; what was written before is still here"
    if parity := handover.parity:
        return "parity check passed" if parity.passes else "parity check failed"
    return "ready"


def _place(studio: Studio, handover: Handover, exported: Exported) -> str:
    """Where it is, and a button that downloads it."""
    name = handover.target.name
    button = views.pick_button(f"download:{name}", "Download", f"Download: {handover.target.title}")
    where = exported.path.name if studio.rights.must_sign_in else str(exported.path)
    address = escape(exported.address)
    address = f" <a href='{address}' target='_blank' rel='noopener noreferrer'>{address}</a>" if address else ""
    return f"<p class='moves'><code>{escape(where)}</code>{address} {button}</p>"


def _parity(parity: Parity) -> str:
    verdict, *found = map(escape, parity.sentences())
    rows = "".join(map(_row, parity.compared))
    table = f"<table><tr><th>Question</th><th>Answer of the run</th><th>What was written</th></tr>{rows}</table>"
    lines = "".join(f"<li>{each}</li>" for each in found)
    kind = "passed" if parity.passes else "failed"
    return (
        f"<p class='parity {kind}'><strong>{verdict}</strong></p><ul>{lines}</ul>"
        f"<details><summary>The five questions</summary>{table}</details>"
    )


def _row(each: Compared) -> str:
    count = len(each.differences)
    words = "the same" if not count else f"{count} of {each.tokens} tokens differ"
    words = words if each.is_same_prompt else "another template"
    return f"<tr><td>{escape(each.question)}</td><td>{escape(each.answer)}</td><td>{words}</td></tr>"


def _steps(studio: Studio, handover: Handover, exported: Exported) -> str:
    """What to do with it, as commands to copy."""
    shown = exported._replace(path=Path(exported.path.name)) if studio.rights.must_sign_in else exported
    return "".join(
        f"<details><summary>{escape(step.title)}</summary><pre><code>{escape(step.commands)}</code></pre></details>"
        for step in handover.target.steps(handover.run, shown)
    )

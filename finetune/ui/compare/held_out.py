"""All held-out prompts, asked one after another: question, base, tuned and the expected answer in a table."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from pathlib import Path

import gradio as gr

from finetune import format
from finetune.csv_file import csv_of
from finetune.errors import FinetuneError, RunError
from finetune.inference.integrity import Integrity
from finetune.inference.panel import Answering, Column
from finetune.inference.sampling import Sampling
from finetune.runs.run import Run
from finetune.ui import downloads, views
from finetune.ui.compare.pane import integrity_line
from finetune.ui.compare.request import notice_of, run_of, sampling_of
from finetune.ui.compare.running import Running, buttons, is_at_work, stop
from finetune.ui.data.desk import MOST_PROMPTS
from finetune.ui.data.prompts import Prompt
from finetune.ui.downloads import Downloads
from finetune.ui.form import Form
from finetune.ui.studio import Studio
from finetune.ui.views import QUIET

AMOUNTS = (("5", 5), ("20", 20), (f"all (up to {MOST_PROMPTS})", MOST_PROMPTS))
"""How many prompts can be asked: label and number."""
HEAD = ("question", "base", "tuned", "expected")
HELP = (
    "Asks base and tuned the questions that the run was not trained on, each by itself and with the sampling settings "
    "above, and writes their answers beside the expected ones."
)


@dataclass(frozen=True)
class Row:
    """A prompt and its answers."""

    prompt: Prompt
    base: str
    tuned: str
    is_cut: bool = False
    """True if one of them is truncated."""

    def cells(self) -> tuple[str, str, str, str]:
        """Its texts, in the order of ``HEAD``."""
        return self.prompt.question, self.base, self.tuned, self.prompt.expected


@dataclass(frozen=True)
class Asked:
    """The rows so far of one run."""

    run_id: str = ""
    rows: tuple[Row, ...] = ()
    integrity: Integrity | None = None
    """What was checked before the last of them."""

    def with_row(self, prompt: Prompt, answering: Answering) -> "Asked":
        """One row more."""
        base, tuned = answering.said
        row = Row(prompt, base.text, tuned.text, base.is_truncated or tuned.is_truncated)
        return replace(self, rows=(*self.rows, row), integrity=answering.integrity)


@dataclass
class HeldOut:
    """The components."""

    asked: gr.State
    running: gr.State
    amount: gr.Radio
    ask: gr.Button
    stop: gr.Button
    line: gr.HTML
    table: gr.HTML
    download: gr.Button
    ready: gr.Textbox
    """Hidden: the link to the file to download."""

    def changed(self) -> list:
        """The components that asking changes."""
        return [self.asked, self.running, self.line, self.table, self.ask, self.stop, self.download]


def draw() -> HeldOut:
    """The components, folded."""
    with gr.Accordion("Ask all held-out prompts", open=False, elem_id="held-out"):
        gr.HTML(views.small(HELP))
        with gr.Row(elem_classes="actions"):
            amount = gr.Radio(AMOUNTS, value=AMOUNTS[0][1], label="How many prompts", elem_id="held-out-amount")
            ask = gr.Button("Ask them", variant="primary", elem_id="held-out-ask", scale=0, min_width=130)
            halt = gr.Button("Stop", visible=False, elem_id="held-out-stop", scale=0, min_width=130)
        line = gr.HTML(elem_id="held-out-line")
        table = gr.HTML(elem_id="held-out-table")
        download = gr.Button("Download CSV", size="sm", visible=False, elem_id="held-out-csv", scale=0)
        ready = downloads.slot()
    return HeldOut(gr.State(Asked()), gr.State(None), amount, ask, halt, line, table, download, ready)


def wire(studio: Studio, parts: HeldOut, run: gr.Dropdown, form: Form) -> None:
    """The events; ``run`` is the run that is compared, ``form`` the sampling settings."""
    asking = parts.ask.click(
        partial(ask, studio, form),
        [parts.amount, run, parts.running, *form.components()],
        parts.changed(),
        api_name="held_out_ask",
        concurrency_limit=4,
        concurrency_id="answers",
        **QUIET,
    )
    parts.stop.click(stop, parts.running, [parts.ask, parts.stop], queue=False, api_name="held_out_stop", **QUIET)
    run.change(clear, parts.running, parts.changed(), cancels=[asking], api_name="held_out_clear", **QUIET)
    parts.download.click(
        partial(download, studio.downloads), parts.asked, parts.ready, api_name="held_out_csv", **QUIET
    ).then(None, parts.ready, None, js=downloads.TO_FILE, api_visibility="private")


def ask(
    studio: Studio, form: Form, amount: int, run_id: str | None, running: Running | None, *given
) -> Iterator[tuple]:
    """The growing table, as values of ``HeldOut.changed()``; an error is a notice above it."""
    if is_at_work(running):
        yield shown(line=views.small("Prompts are still being asked. Stop them first, or wait for the end."))
        return
    asked, running = Asked(run_id or ""), Running()
    try:
        run, sampling = run_of(studio, run_id), sampling_of(form.values(given))
        prompts = prompts_of(studio, run)[: int(amount)]
        yield shown(asked, _progress(0, len(prompts)), running, is_busy=True)
        for prompt in prompts:
            with studio.queue.beside():
                answering = answered(studio, run, prompt, sampling, running)
            if running.stop.is_set():
                break
            asked = asked.with_row(prompt, answering)
            yield shown(asked, _progress(len(asked.rows), len(prompts)), is_busy=True)
        yield shown(asked, _ended(asked, len(prompts), sampling))
    except FinetuneError as error:
        yield shown(asked, notice_of(error))
    finally:
        running.end()


def prompts_of(studio: Studio, run: Run) -> list[Prompt]:
    """The held-out prompts of ``run``; ``RunError`` if there are none to ask."""
    prompts = studio.data.prompts(run)
    if not prompts:
        raise RunError(
            "This run has no held-out prompts to ask.",
            "Its data is plain text, its file is gone, or no rows were held out. Type questions above instead.",
        )
    return prompts


def answered(studio: Studio, run: Run, prompt: Prompt, sampling: Sampling, running: Running) -> Answering:
    """The answers of base and tuned to one prompt."""
    columns, asked = (Column(run.id, is_base=True), Column(run.id)), prompt.messages
    *_, last = studio.panel.reply(columns, (asked, asked), sampling, running.stop)
    return last


def shown(
    asked: object = gr.skip(), line: object = gr.skip(), running: object = gr.skip(), is_busy: bool = False
) -> tuple:
    """Values of ``HeldOut.changed()``; what is not given stays as it is."""
    if not isinstance(asked, Asked):
        return asked, running, line, gr.skip(), *[gr.skip()] * 3
    has_file = bool(asked.rows) and not is_busy
    return asked, running, line, table(asked.rows), *buttons(is_busy), gr.Button("Download CSV", visible=has_file)


def clear(running: Running | None) -> tuple:
    """No rows: another run was chosen."""
    if running is not None:
        running.end()
    return shown(Asked(), "", None)


def table(rows: tuple[Row, ...]) -> str:
    """The rows as a table; on a phone each is a block."""
    if not rows:
        return ""
    heads = "".join(f"<th scope='col'>{each.capitalize()}</th>" for each in HEAD)
    body = "".join(f"<tr>{''.join(_cell(*each) for each in zip(HEAD, row.cells()))}</tr>" for row in rows)
    return f"<table class='held-out'><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _cell(column: str, text: str) -> str:
    body = escape(text) if text else "<span class='small'>none</span>"
    return f"<td data-label='{column.capitalize()}' dir='auto'>{body}</td>"


def _progress(done: int, count: int) -> str:
    return f"<p class='small' role='status'>{done} of {format.counted(count, 'prompt')} answered…</p>"


def _ended(asked: Asked, count: int, sampling: Sampling) -> str:
    done, cut = len(asked.rows), sum(row.is_cut for row in asked.rows)
    words = (
        f"{format.counted(done, 'prompt')} answered" if done == count else f"Stopped after {done} of {count} prompts"
    )
    more = f", {cut} of them with an answer truncated at {sampling.max_tokens} tokens" if cut else ""
    return f"<p class='small' role='status'>{words}{more}.</p>{integrity_line(asked.integrity)}"


def download(files: Downloads, asked: Asked) -> str:
    """The link to a new CSV file of the rows."""
    return files.link(to_file(files.folder(), asked) if asked.rows else None)


def to_file(folder: Path, asked: Asked) -> str:
    """The path of a new CSV file of the rows in ``folder``."""
    path = folder / f"{asked.run_id}-held-out.csv"
    path.write_bytes(csv_of(HEAD, (row.cells() for row in asked.rows)))
    return str(path)

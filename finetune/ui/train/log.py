"""The log of a run: its events as readable lines, the last ones on the page, all of them in a file; and as a table."""

import time
from collections.abc import Callable
from functools import singledispatch
from html import escape

from finetune.errors import RunError
from finetune.format import amount, counted, duration, size, size_of
from finetune.methods import measure_of
from finetune.runs import events
from finetune.runs.figures import table
from finetune.runs.run import Run
from finetune.runs.view import PHASE_WORDS, View
from finetune.sweep import label
from finetune.ui.studio import Studio
from finetune.ui.train.actions import Done
from finetune.ui.train.chart import figures, value_words
from finetune.ui.views import empty, small

LAST = 200
"""Lines on the page."""
ANSWER = 120
"""Characters of a sample answer in a line."""
NOTHING = empty("The log appears here once there is a run.")

COPY = """() => {
  const lines = document.querySelector('#log-board pre');
  if (lines) navigator.clipboard?.writeText(lines.innerText);
}"""
"""Copies the lines that are shown."""


def shown(run: Run, view: View) -> str:
    """The last lines of a run's log as HTML, the newest first, and how many there are in all."""
    last = run.last_events(LAST)
    lines = "\n".join(escape(line(event)) for event in reversed(last))
    total = max(view.revision, len(last))
    count = f"The last {len(last)} of {counted(total, 'line')}" if total > len(last) else counted(total, "line")
    note = f"{count}, newest first."
    return f"{small(note)}<pre class='log' tabindex='0' role='region' aria-label='Log'>{lines}</pre>"


def download(studio: Studio, run_id: str | None) -> Done:
    """The whole log as a text file."""
    run = studio.find_run(run_id)
    if run is None:
        raise RunError("There is no such run.", "It may have been deleted already.")
    found, _ = run.events()
    path = studio.downloads.folder() / f"{run.id}.log"
    path.write_text("".join(f"{line(event)}\n" for event in found), encoding="utf-8", errors="replace")
    return Done(file=str(path))


def download_table(studio: Studio, run_id: str | None) -> Done:
    """The figures of each step and evaluation as a CSV file."""
    run = studio.find_run(run_id)
    if run is None:
        raise RunError("There is no such run.", "It may have been deleted already.")
    path = studio.downloads.folder() / f"{run.id}.csv"
    path.write_bytes(table(studio.view(run)).csv())
    return Done(file=str(path))


def line(event: events.Event) -> str:
    """An event in one line, with its time: ``2026-03-01 12:04:31  Step 48: loss 1.93, …``."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at))
    return f"{at}  {' '.join(words(event).split())}"


@singledispatch
def words(event: events.Event) -> str:
    """What an event says."""
    facts = event.model_dump(exclude={"at"})
    return f"{type(event).__name__}: {', '.join(f'{name} {value}' for name, value in facts.items())}".rstrip(": ")


def says(cls: type[events.Event]) -> Callable:
    """Registers the words of one class of events."""
    return words.register(cls)


@says(events.Queued)
def _(event: events.Queued) -> str:
    return f"Queued as “{event.name}”, method {event.method}"


@says(events.Started)
def _(event: events.Started) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in event.versions.items())
    return f"Started on {event.device}{f'; {versions}' if versions else ''}"


@says(events.Requeued)
def _(event: events.Requeued) -> str:
    return "Queued again"


@says(events.Resumed)
def _(event: events.Resumed) -> str:
    return f"Resumed from the checkpoint of step {amount(event.step)}"


@says(events.FellBack)
def _(event: events.FellBack) -> str:
    changed = ", ".join(f"{label(path)}: {value}" for path, value in event.settings.items())
    return f"Out of memory, fell back: {event.reason} ({changed})"


@says(events.Entered)
def _(event: events.Entered) -> str:
    return PHASE_WORDS[event.phase]


@says(events.Pinned)
def _(event: events.Pinned) -> str:
    return f"The model's version is {event.commit}"


@says(events.Fetched)
def _(event: events.Fetched) -> str:
    speed = f", {size(event.bytes_per_s)}/s" if event.bytes_per_s else ""
    return f"Downloaded {size_of(event.done_bytes, event.total_bytes)}{speed}"


@says(events.Chose)
def _(event: events.Chose) -> str:
    return f"Automatic choice, {label(event.what)}: {event.value} ({event.reason})"


@says(events.Noted)
def _(event: events.Noted) -> str:
    return f"{'Warning: ' if event.level == 'warning' else ''}{event.message}"


@says(events.Fingerprinted)
def _(event: events.Fingerprinted) -> str:
    start = f", start {event.start}" if event.start else ""
    return f"Fingerprints: rows {event.rows}, base {event.base}{start}"


@says(events.Planned)
def _(event: events.Planned) -> str:
    return (
        f"Planned: {counted(event.total_steps, 'step')} on {counted(event.train_rows)}, {amount(event.held_out_rows)} "
        f"held out; {amount(event.trainable)} of {amount(event.parameters)} parameters are trainable"
    )


@says(events.Stepped)
def _(event: events.Stepped) -> str:
    parts = [f"loss {figures(event.loss)}", *_measured(event.metrics), f"learning rate {event.learning_rate:.3g}"]
    parts += [f"gradient norm {figures(event.grad_norm)}"] if event.grad_norm is not None else []
    parts += [f"{amount(event.tokens_per_s)} tokens/s"] if event.tokens_per_s else []
    return f"Step {amount(event.step)}: {', '.join(parts)}, after {duration(event.elapsed_s)}"


@says(events.Evaluated)
def _(event: events.Evaluated) -> str:
    parts = [f"held-out loss {figures(event.loss)}", *_measured(event.metrics)]
    return f"Evaluated at step {amount(event.step)}: {', '.join(parts)}"


@says(events.Sampled)
def _(event: events.Sampled) -> str:
    said = "; ".join(f"“{each.prompt[:ANSWER]}” – “{each.tuned[:ANSWER]}”" for each in event.answers)
    return f"Sample answers at step {amount(event.step)}: {said}"


@says(events.Saved)
def _(event: events.Saved) -> str:
    return f"Saved the {event.what} of step {amount(event.step)} as {event.path}"


@says(events.Ended)
def _(event: events.Ended) -> str:
    why = " ".join(part for part in (event.message, event.hint) if part)
    return f"Ended: {event.state}{f'. {why}' if why else ''}"


def _measured(metrics: dict[str, float]) -> list[str]:
    return [f"{measure_of(name).short} {value_words(measure_of(name), value)}" for name, value in metrics.items()]

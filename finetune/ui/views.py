"""Words and fragments that every tab shows: amounts, states, notices, buttons, the status line.

Everything that came from a person, a file or a model goes through ``escape`` before it becomes HTML.
"""

import time
from html import escape
from pathlib import Path

from finetune.errors import FinetuneError, Problem
from finetune.format import amount, duration, percent
from finetune.runs.run import Run
from finetune.runs.view import ACTIVE, View

TITLE = "Finetune Studio"
QUIET = {"show_progress": "hidden", "api_visibility": "private"}
"""Of an event of the page itself: no spinner over what it fills, and no part of the API that others call."""

STATE_WORDS = {
    "queued": "queued",
    "preparing": "preparing",
    "running": "training",
    "stopping": "saving",
    "done": "finished",
    "stopped": "stopped",
    "paused": "paused",
    "failed": "failed",
    "interrupted": "interrupted",
}


PICK = """
element.addEventListener('change', event => {
  const input = event.target.closest('input[data-pick]');
  if (input) trigger('pick', {pick: input.value});
});
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-pick]');
  if (button) trigger('pick', {pick: button.dataset.pick});
});
"""
"""Turns the choice of a radio button, or a click on a button, with ``data-pick`` into one event of its HTML block."""


def pick_button(pick: str, words: str, about: str = "", is_enabled: bool = True) -> str:
    """A small button that says ``words``, and ``about`` to a screen reader; its HTML block gets ``pick``."""
    label = f" aria-label='{escape(about)}'" if about else ""
    disabled = "" if is_enabled else " disabled"
    return f"<button type='button' class='fix' data-pick='{escape(pick)}'{label}{disabled}>{escape(words)}</button>"


def listed(numbers: list[int] | tuple[int, ...], most: int = 5) -> str:
    """The first ``most`` row numbers in words: ``3, 7, 9 and 12 more``."""
    first = ", ".join(str(number) for number in numbers[:most])
    return first if len(numbers) <= most else f"{first} and {amount(len(numbers) - most)} more"


def parameters(count: float) -> str:
    """The size of a model: ``4.6 million parameters``, ``8 billion parameters``."""
    scale, word = (1e9, "billion") if count >= 1e9 else (1e6, "million") if count >= 1e6 else (1e3, "thousand")
    return f"{count / scale:.3g} {word} parameters"


def notice(
    message: str, hint: str = "", problems: tuple[Problem, ...] = (), kind: str = "error", actions: str = ""
) -> str:
    """A calm box that says what is wrong and what to do; ``kind`` is ``error``, ``warning`` or ``info``.

    ``actions`` are buttons, as HTML.
    """
    lines = "".join(f"<li>{escape(str(problem))}</li>" for problem in problems)
    parts = [
        f"<p class='notice-message'>{escape(message)}</p>",
        f"<p>{escape(hint)}</p>" if hint else "",
        f"<ul>{lines}</ul>" if lines else "",
        f"<p class='moves'>{actions}</p>" if actions else "",
    ]
    role = "alert" if kind == "error" else "status"
    return f"<div class='notice {escape(kind)}' role='{role}'>{''.join(parts)}</div>"


def notice_of(error: FinetuneError) -> str:
    """The notice that ``error`` asks for."""
    return notice(error.message, error.hint, error.problems)


def empty(sentence: str, detail: str = "") -> str:
    """What a place says before there is anything to show in it."""
    more = f"<p class='small'>{escape(detail)}</p>" if detail else ""
    return f"<div class='empty'><p>{escape(sentence)}</p>{more}</div>"


def lead(sentence: str) -> str:
    """The one sentence at the top of a tab."""
    return f"<h2 class='lead'>{escape(sentence)}</h2>"


def small(sentence: str) -> str:
    """A quiet line under something; empty without a sentence."""
    return f"<p class='small'>{escape(sentence)}</p>" if sentence else ""


def bar(share: float | None, label: str, words: str = "", kind: str = "") -> str:
    """How far something is, 0 to 1, or None while that is not known; ``label`` says of what to a screen reader.

    ``words`` stand at its end; ``kind`` is a class that colors it.
    """
    value = "" if share is None else f" aria-valuenow='{share * 100:.0f}'"
    return (
        f"<div class='progress'><div class='bar{' waiting' if share is None else ''} {kind}' role='progressbar'"
        f" aria-label='{escape(label)}' aria-valuemin='0' aria-valuemax='100'{value}>"
        f"<span style='width:{(share or 0) * 100:.1f}%'></span></div>{f'<b>{escape(words)}</b>' if words else ''}</div>"
    )


def capital(words: str) -> str:
    """``words`` with a capital in front, as at the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def run_number(run_id: str) -> str:
    """A run in a few words: ``run 3``."""
    return f"run {Run(Path(run_id)).number}"


def run_title(run_id: str, name: str) -> str:
    """A run in a sentence: ``run 3 “pirate voice”``."""
    return f"{run_number(run_id)} “{name}”"


def run_label(run_id: str, view: View) -> str:
    """A run in a chooser: ``3 · pirate voice · finished``."""
    return f"{Run(Path(run_id)).number} · {view.name} · {state_words(view)}"


def state_words(view: View) -> str:
    """The state of a run in a few words."""
    return "stopped, model kept" if view.state == "stopped" and view.has_model else STATE_WORDS[view.state]


def activity(view: View) -> str:
    """What an active run is doing, in a few words for the status line."""
    words = f"“{view.name}” is {STATE_WORDS[view.state]}"
    if view.is_stalled(time.time()):
        return f"“{view.name}” has not responded for {duration(time.time() - view.heard_at)}"
    if view.is_silent:
        return f"“{view.name}” on {view.elsewhere.host} has been silent for {duration(view.elsewhere.silent_s)}"
    if view.state == "preparing" and view.phase == "downloading" and view.fetched:
        return f"“{view.name}” is downloading its model, {percent(view.fetched.share)}"
    if view.state in ("running", "stopping") and view.total_steps:
        words += f", {percent(view.fraction)}"
    if view.state == "running" and view.eta_s:
        words += f", {duration(view.eta_s)} left"
    return words


def head(
    machine: str,
    current: View | None,
    queued: int,
    also: tuple[str, ...] = (),
    ended: tuple[str, str] = ("", ""),
    person: str | None = None,
) -> str:
    """The page's head: its name, which machine this is and what it is doing; carries the title for the browser.

    ``also`` is what else a person should see on every tab; empty words are left out. ``ended`` is a key of the run that
    ended last, and that in words (``finetune.ui.train.notify``). ``person`` is the name that the visitor has.
    """
    parts = [f"<span>{escape(machine)}</span>"]
    if current is not None:
        parts.append(f"<span class='busy'>{escape(activity(current))}</span>")
    if queued:
        parts.append(f"<span>{queued} queued</span>")
    parts += [f"<span class='also'>{escape(words)}</span>" for words in also if words]
    line = " <i aria-hidden='true'>·</i> ".join(parts)
    title = escape(page_title(current))
    data = f"data-title='{title}' data-ended='{escape(ended[0])}' data-told='{escape(ended[1])}'"
    leave = _sign_out(person) if person else ""
    return f"<header class='top' {data}><h1>{TITLE}</h1><p class='status'>{line}</p>{leave}</header>"


def _sign_out(person: str) -> str:
    return (
        f"<form class='person' method='post' action='/logout'><span>{escape(person)}</span> "
        "<button type='submit' class='fix'>Sign out</button></form>"
    )


def page_title(current: View | None) -> str:
    """The browser tab's title: the percentage first while a run is at work."""
    if current is None or current.state not in ACTIVE:
        return TITLE
    return f"{percent(current.fraction)} · {TITLE}" if current.total_steps else f"Preparing · {TITLE}"

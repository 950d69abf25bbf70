"""The line of runs to come, the runs that were interrupted, and what can be asked of each: lists with buttons.

A button says what it does and to which run (``up:004-pirate-voice``), so that it does so whatever is shown by then.
"""

import os
from contextlib import suppress
from html import escape
from pathlib import Path

from finetune import format
from finetune.errors import FinetuneError
from finetune.runs.run import Run
from finetune.runs.view import View
from finetune.ui import views
from finetune.ui.studio import Studio
from finetune.ui.train.outcome import interrupted_words, stalled_words
from finetune.ui.train.standing import can_restart, resume_label, standing

MOST_OFFERED = 3
"""Interrupted runs that are offered at once, the newest first."""

FOCUS = (
    views.PICK
    + """
let kept = '';
const button = pick => pick && element.querySelector(`button[data-pick="${CSS.escape(pick)}"]:not([disabled])`);
document.addEventListener('focusin', event => {
  const inside = element.contains(event.target) && event.target.closest('[data-pick]');
  kept = inside ? inside.dataset.pick : '';
});
document.addEventListener('pointerdown', event => { if (!element.contains(event.target)) kept = ''; });
watch('value', () => requestAnimationFrame(() => {
  const at = document.activeElement;
  if (!kept || (at !== document.body && !element.contains(at)) || at.dataset.pick === kept) return;
  const run = kept.split(':')[1];
  const next = ['up', 'down', 'remove'].map(what => button(`${what}:${run}`)).find(found => found);
  const to = button(kept) || next || element.querySelector('button[data-pick]:not([disabled])');
  if (to) to.focus();
}));
"""
)
"""A list drawn anew leaves the focus where it was, on a button of another run; this moves it with the run."""


def line(studio: Studio) -> str:
    """The runs in line, next first, each with buttons to move it and to take it out; empty if none waits."""
    waiting = studio.queue.waiting()
    if not waiting:
        return ""
    rows = "".join(_row(studio, run, place, len(waiting)) for place, run in enumerate(waiting, start=1))
    return f"<section class='line'><h3>Next in line</h3><ol>{rows}</ol></section>"


def _row(studio: Studio, run: Run, place: int, count: int) -> str:
    called = f"{views.run_number(run.id)} “{studio.view(run).name}”"
    buttons = (
        _button("up", run, "Up", f"Move {called} up", place > 1)
        + _button("down", run, "Down", f"Move {called} down", place < count)
        + _button("remove", run, "Remove", f"Remove {called} from the line")
    )
    name = f"{place}. {escape(studio.view(run).name)} <span class='small'>{views.run_number(run.id)}</span>"
    return f"<li><span>{name}</span><span class='moves'>{buttons}</span></li>"


def interrupted(studio: Studio) -> list[tuple[Run, View]]:
    """The runs that were interrupted and that nobody has left so, newest first."""
    return [(run, view) for run, view in studio.views() if view.state == "interrupted" and not run.is_dismissed]


def offers(studio: Studio) -> str:
    """A notice for a run that does not answer, and for each interrupted one, with buttons; empty if there is none."""
    current = studio.current()
    stalled = _restart_offer(studio, *current) if current and can_restart(studio, *current) else ""
    return stalled + "".join(_offer(studio, run, view) for run, view in interrupted(studio)[:MOST_OFFERED])


def _restart_offer(studio: Studio, run: Run, view: View) -> str:
    called = f"{views.run_number(run.id).capitalize()} “{view.name}”"
    button = _button("restart", run, "Start the app again", f"Start the app again, which cuts off {called}")
    return views.notice(*stalled_words(called, view, standing(studio, run, view)), kind="warning", actions=button)


def _offer(studio: Studio, run: Run, view: View) -> str:
    stands = standing(studio, run, view)
    called = f"{views.run_number(run.id).capitalize()} “{view.name}”"
    buttons = _button("resume", run, resume_label(view, stands), f"{resume_label(view, stands)}: {called}")
    buttons += _button("leave", run, "Leave it", f"Leave {called} as it is")
    return views.notice(*interrupted_words(called, view, stands), kind="warning", actions=buttons)


def interrupted_line(studio: Studio) -> str:
    """The interrupted runs in a few words, for the status line."""
    found = interrupted(studio)
    if not found:
        return ""
    return (
        f"{views.run_number(found[0][0].id)} was interrupted"
        if len(found) == 1
        else f"{len(found)} runs were interrupted"
    )


def confirmation(studio: Studio, run_id: str | None) -> str:
    """What deleting the run would take away, with the button that does it; or why it cannot be deleted."""
    run = studio.find_run(run_id)
    if run is None:
        return views.notice("There is no such run.", "It may have been deleted already.")
    called = f"{views.run_number(run.id)} “{studio.view(run).name}”"
    buttons = _button("delete", run, "Delete for good", f"Delete {called} for good")
    buttons += _button("keep", run, "Keep it", f"Keep {called}")
    size = format.size(size_bytes(run.path))
    hint = f"Its model, its checkpoints and its log go, {size} in all. This cannot be undone."
    return views.notice(f"Delete {called}?", hint, kind="warning", actions=buttons)


def act(studio: Studio, pick: str) -> tuple[str, str | None]:
    """Do what the button ``pick`` says; what to tell the person, and the run to show from now on, if another."""
    what, _, run_id = str(pick).partition(":")
    try:
        if what in ("up", "down"):
            studio.queue.move(run_id, -1 if what == "up" else 1)
        elif what == "remove":
            stop(studio, run_id)
        elif what == "resume":
            return "", studio.queue.resume(run_id).id
        elif what == "leave":
            studio.workspace.run(run_id).dismiss()
        elif what == "delete":
            return delete(studio, run_id), None
        elif what == "restart":
            return restart(studio, run_id), None
        return "", None
    except FinetuneError as error:
        return views.notice_of(error), None


def stop(studio: Studio, run_id: str) -> Run:
    """Ask a run at work to stop and keep its model; one that waits leaves the line, paused if it was begun before."""
    view = studio.view(studio.workspace.run(run_id))
    if view.state == "queued" and view.step:
        return studio.queue.pause(run_id)
    return studio.queue.stop(run_id)


def restart(studio: Studio, run_id: str) -> str:
    """Have this process started again if the run still does not answer; what to tell the person."""
    run = studio.workspace.run(run_id)
    if not can_restart(studio, run, studio.view(run)):
        return views.notice("Nothing had to be started again.", "The run answers, or has ended.", kind="info")
    studio.restart()
    return views.notice("The app starts again.", "The page comes back by itself in a few seconds.", kind="info")


def delete(studio: Studio, run_id: str) -> str:
    """Remove an ended run; what to tell the person."""
    run = studio.workspace.run(run_id)
    called, size = f"{views.run_number(run.id).capitalize()} “{studio.view(run).name}”", size_bytes(run.path)
    studio.queue.delete(run.id)
    studio.forget(run)
    return views.notice(f"{called} was deleted.", f"{format.size(size)} of disk are free again.", kind="info")


def size_bytes(folder: Path) -> int:
    """Bytes of all files in ``folder``; one that goes meanwhile is not counted."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


def _button(what: str, run: Run, words: str, about: str, can: bool = True) -> str:
    return (
        f"<button type='button' class='fix' data-pick='{what}:{escape(run.id)}' aria-label='{escape(about)}'"
        f"{'' if can else ' disabled'}>{escape(words)}</button>"
    )

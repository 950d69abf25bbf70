"""The queue of runs, and the runs that were interrupted, as lists with buttons.

A button says what it does and to which run (``up:004-pirate-voice``), so it does so whatever is shown by then.
``finetune.ui.train.actions`` does it.
"""

from html import escape

from finetune.runs.run import Run
from finetune.runs.view import View
from finetune.ui import views
from finetune.ui.studio import Studio
from finetune.ui.train.outcome import interruption_words, stalled_words
from finetune.ui.train.standing import Standing, can_restart, resume_label

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
"""A list that is redrawn leaves the focus in its place, on a button of another run; this moves it with the run."""


def panel(studio: Studio) -> str:
    """The queued runs, next first, each with buttons to move and remove it; empty if none is queued."""
    waiting = studio.queue.waiting()
    if not waiting:
        return ""
    rows = "".join(_row(studio, run, position, len(waiting)) for position, run in enumerate(waiting, start=1))
    return f"<section class='queue'><h3>Queue</h3><ol>{rows}</ol></section>"


def _row(studio: Studio, run: Run, position: int, count: int) -> str:
    if not studio.rights.visitor.may_see(run.owner):
        return f"<li><span>{position}. A run of someone else</span></li>"
    name = studio.view(run).name
    title = views.run_title(run.id, name)
    buttons = (
        _button("up", run, "Up", f"Move {title} up", position > 1)
        + _button("down", run, "Down", f"Move {title} down", position < count)
        + _button("remove", run, "Remove", f"Remove {title} from the queue")
    )
    words = f"{position}. {escape(name)} <span class='small'>{views.run_number(run.id)}</span>"
    return f"<li><span>{words}</span><span class='moves'>{buttons}</span></li>"


def interrupted(studio: Studio) -> list[tuple[Run, View]]:
    """The runs that were interrupted and that nobody has dismissed, newest first."""
    return [(run, view) for run, view in studio.views() if view.state == "interrupted" and not run.is_dismissed]


def offers(studio: Studio) -> str:
    """A notice for a run that is not responding, and for each interrupted one, with buttons; empty without any."""
    current = studio.current()
    stalled = _restart_offer(studio, *current) if current and can_restart(studio, *current) else ""
    return stalled + "".join(_offer(studio, run, view) for run, view in interrupted(studio)[:MOST_OFFERED])


def _restart_offer(studio: Studio, run: Run, view: View) -> str:
    title = views.run_title(run.id, view.name)
    button = _button("restart", run, "Restart the app", f"Restart the app, which interrupts {title}")
    words = stalled_words(views.capital(title), view, Standing.of(studio, run, view))
    return views.notice(*words, kind="warning", actions=button)


def _offer(studio: Studio, run: Run, view: View) -> str:
    standing, title = Standing.of(studio, run, view), views.run_title(run.id, view.name)
    label = resume_label(view, standing)
    buttons = _button("resume", run, label, f"{label}: {title}") + _button(
        "dismiss", run, "Dismiss", f"Dismiss {title}"
    )
    words = interruption_words(views.capital(title), view, standing)
    return views.notice(*words, kind="warning", actions=buttons)


def interrupted_words(studio: Studio) -> str:
    """The interrupted runs in a few words, for the status line."""
    found = interrupted(studio)
    if not found:
        return ""
    if len(found) > 1:
        return f"{len(found)} runs were interrupted"
    return f"{views.run_number(found[0][0].id)} was interrupted"


def _button(verb: str, run: Run, words: str, about: str, is_enabled: bool = True) -> str:
    return views.pick_button(f"{verb}:{run.id}", words, about, is_enabled)

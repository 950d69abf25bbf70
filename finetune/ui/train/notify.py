"""“Tell me when it ends”: a notice of the browser's once a run has ended, also while its tab is in the background.

The browser is asked for permission only after the person ticks the box. What has ended last stands in the page's head,
which is on every tab, and the script of the head (``finetune.ui.theme.HEAD_JS``) tells it.
"""

from finetune.runs.view import View
from finetune.ui import views

BOX = (
    "<label class='tell'><input type='checkbox' id='tell'> Tell me when it ends</label>"
    "<span class='small' id='tell-note' role='status'></span>"
)
REFUSED = "The browser does not allow it: allow notifications for this page in its site settings."
MISSING = "This browser has no notifications."

ASK = f"""
const box = element.querySelector('input'), note = element.querySelector('#tell-note');
box.checked = !!window.tellsWhenEnded;
box.addEventListener('change', async () => {{
  note.textContent = '';
  window.tellsWhenEnded = false;
  if (!box.checked) return;
  const answer = !('Notification' in window) ? '' : Notification.permission === 'default'
    ? await Notification.requestPermission() : Notification.permission;
  window.tellsWhenEnded = box.checked = answer === 'granted';
  if (answer !== 'granted') note.textContent = answer ? '{REFUSED}' : '{MISSING}';
}});
"""
"""Asks for permission when the box is ticked, and keeps the answer for as long as the page is open."""

ENDED_WORDS = {
    "done": "has finished",
    "stopped": "was stopped",
    "paused": "was paused",
    "failed": "has failed",
    "interrupted": "was interrupted",
}


def newest_end(known: list[tuple[str, View]]) -> tuple[str, str]:
    """A key of the run that ended last and that in words, of all that are ``known``; both empty before any has."""
    ended = [(view.ended_at, run_id, view) for run_id, view in known if view.ended_at and view.started_at]
    if not ended:
        return "", ""
    at, run_id, view = max(ended, key=lambda each: each[:2])
    title = views.capital(views.run_title(run_id, view.name))
    return f"{run_id}:{at}", f"{title} {ENDED_WORDS.get(view.state, 'has ended')}."

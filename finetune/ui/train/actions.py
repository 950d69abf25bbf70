"""What can be asked of a run: ``ACTIONS`` are the buttons under its head, ``COMMANDS`` those in lists and notices.

A new button is one entry in ``ACTIONS``. A button in a list is drawn with ``views.pick_button("verb:run-id", …)``, and
its verb is one entry in ``COMMANDS``.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from finetune import format
from finetune.errors import FinetuneError
from finetune.exports import TARGETS
from finetune.runs.view import ACTIVE, View
from finetune.ui import views
from finetune.ui.chooser import is_comparable, is_finished
from finetune.ui.studio import Studio
from finetune.ui.train.standing import Standing, can_restart, resume_label, stop_label


class Done(NamedTuple):
    """What the page shows after something was asked of a run."""

    notice: str = ""
    run_id: str | None = None
    """The run to show from now on; None for the same."""
    file: str | None = None
    """The path of a file to download."""


Command = Callable[[Studio, str], Done]
"""Does something to the run with this id; ``FinetuneError`` says why it cannot."""


def move_up(studio: Studio, run_id: str) -> Done:
    """One place forward in the queue."""
    studio.queue.move(run_id, -1)
    return Done()


def move_down(studio: Studio, run_id: str) -> Done:
    """One place back in the queue."""
    studio.queue.move(run_id, 1)
    return Done()


def stop(studio: Studio, run_id: str) -> Done:
    """Stop a run at work and keep its model; a queued run leaves the queue, as paused if it had started before."""
    view = studio.view(studio.workspace.run(run_id))
    if view.state == "queued" and view.step:
        return pause(studio, run_id)
    studio.queue.stop(run_id)
    return Done()


def pause(studio: Studio, run_id: str) -> Done:
    """Have a run save a checkpoint and make room for others."""
    studio.queue.pause(run_id)
    return Done()


def resume(studio: Studio, run_id: str) -> Done:
    """Queue a run again that ended unfinished, to continue from its last checkpoint."""
    return Done(run_id=studio.queue.resume(run_id).id)


def dismiss(studio: Studio, run_id: str) -> Done:
    """Leave an interrupted run as it is and offer it no more."""
    run = studio.workspace.run(run_id)
    studio.rights.require_change(run)
    run.dismiss()
    return Done()


def restart(studio: Studio, run_id: str) -> Done:
    """Restart this process if the run is still not responding."""
    run = studio.workspace.run(run_id)
    studio.rights.require_change(run)
    if not can_restart(studio, run, studio.view(run)):
        return Done(views.notice("No restart was needed.", "The run responds again, or has ended.", kind="info"))
    studio.restart()
    return Done(views.notice("The app restarts.", "The page comes back by itself in a few seconds.", kind="info"))


def confirm_delete(studio: Studio, run_id: str) -> Done:
    """Ask whether the run is to be deleted: what that removes, with the button that does it."""
    run = studio.find_run(run_id)
    if run is None:
        return Done(views.notice("There is no such run.", "It may have been deleted already."))
    title = views.run_title(run.id, studio.view(run).name)
    buttons = views.pick_button(f"delete:{run.id}", "Delete for good", f"Delete {title} for good")
    buttons += views.pick_button(f"keep:{run.id}", "Keep it", f"Keep {title}")
    size = format.size(size_bytes(run.path))
    hint = f"This deletes its model, its checkpoints and its log, {size} in all, and cannot be undone."
    return Done(views.notice(f"Delete {title}?", hint, kind="warning", actions=buttons))


def delete(studio: Studio, run_id: str) -> Done:
    """Delete an ended run."""
    run = studio.workspace.run(run_id)
    title, size = views.capital(views.run_title(run.id, studio.view(run).name)), size_bytes(run.path)
    studio.queue.delete(run.id)
    studio.forget(run)
    return Done(views.notice(f"{title} was deleted.", f"That freed {format.size(size)} of disk.", kind="info"))


def download(studio: Studio, run_id: str) -> Done:
    """Write the adapter of the run, or its whole model, into a file to download."""
    try:
        run = studio.workspace.run(run_id)
        studio.rights.require_change(run)
        written = TARGETS["adapter"].write(run, studio.everything, studio.downloads.folder())
        return Done(views.notice(written.note, kind="info") if written.note else "", file=str(written.path))
    except FileNotFoundError:
        return Done(views.notice("The run was deleted while it was packed.", "There is nothing left to download."))


@dataclass(frozen=True)
class Action:
    """A button under the head of a run."""

    name: str
    """Its id on the page, and with ``train_`` in front the name of its event."""
    label: Callable[[View, Standing], str]
    """What the button says for a run now; empty if it is hidden."""
    do: Command | None = None
    """What it does; None if it leads elsewhere, which is wired in ``finetune.ui.page`` or in the tab."""
    leads: bool = False
    """True if it leads on: the last shown of these is the primary button."""
    downloads: bool = False
    """True if it makes a file, which may take seconds, and the browser downloads that."""
    width: int = 150
    """Pixels, at least."""


ACTIONS = (
    Action(
        "delete",
        lambda view, standing: "" if view.state in ("queued", *ACTIVE) else "Delete",
        confirm_delete,
        width=100,
    ),
    Action("pause", lambda view, standing: "Pause" if view.state in ("preparing", "running") else "", pause),
    Action("stop", lambda view, standing: stop_label(view), stop),
    Action(
        "resume",
        lambda view, standing: "" if standing.is_offered else resume_label(view, standing),
        resume,
        leads=True,
    ),
    Action("further", lambda view, standing: "Train further" if is_comparable(view) and view.state == "done" else ""),
    Action("download", lambda view, standing: "Download" if is_finished(view) else "", download, downloads=True),
    Action("hand-over-to", lambda view, standing: "Hand over" if is_finished(view) else ""),
    Action("to-compare", lambda view, standing: "Compare" if is_comparable(view) else "", leads=True, width=220),
)
"""The buttons under the head of a run, in the order shown."""

COMMANDS: dict[str, Command] = {
    "up": move_up,
    "down": move_down,
    "remove": stop,
    "resume": resume,
    "dismiss": dismiss,
    "restart": restart,
    "delete": delete,
    "keep": lambda studio, run_id: Done(),
}
"""What the buttons in lists and notices do, by their verb."""


def act(studio: Studio, pick: str) -> Done:
    """Do what the button ``pick`` says (``verb:run-id``); nothing if there is no such verb."""
    verb, _, run_id = str(pick).partition(":")
    return attempt(COMMANDS.get(verb, COMMANDS["keep"]), studio, run_id)


def attempt(command: Command, studio: Studio, run_id: str | None) -> Done:
    """What ``command`` did to the run; or a notice that says why it could not."""
    try:
        return command(studio, run_id or "")
    except FinetuneError as error:
        return Done(views.notice_of(error))


def size_bytes(folder: Path) -> int:
    """Bytes of all files in ``folder``; a file that is deleted meanwhile is not counted."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(place, name)).st_size
    return total

"""Standing: what a run's directory and the line say of it beside its events, and so what can be asked of it now."""

import shutil
import time
from dataclasses import dataclass

from finetune.format import amount, size
from finetune.runs.checkpoints import RESERVE_BYTES
from finetune.runs.run import Run
from finetune.runs.view import ACTIVE, RESUMABLE, View
from finetune.ui.studio import Studio

LOW_BYTES = 2 * 2**30
"""Less free disk than this is said, whether a run needs it or not."""


@dataclass(frozen=True)
class Standing:
    """Where a run stands, as far as its view does not say so."""

    checkpoint: int | None = None
    """The step of its newest checkpoint. Whether every byte of it is whole is found out when it is gone on from."""
    asked: str = ""
    """What was asked of it: ``stop``, ``pause`` or ``yield``."""
    origin: str = ""
    """The earlier run whose model it started from, in words: ``run 3``."""
    ahead: int | None = None
    """How many runs have their turn before it; None if it is not in line."""
    is_offered: bool = False
    """True if it was interrupted or does not answer, and the top of the tab offers what can be done."""


def standing(studio: Studio, run: Run, view: View) -> Standing:
    """Where ``run`` stands now."""
    saved = run.checkpoints.all()
    return Standing(
        checkpoint=saved[-1].step if saved else None,
        asked=run.asked,
        origin=_origin(studio, run),
        ahead=_ahead(studio, run),
        is_offered=(view.state == "interrupted" and not run.is_dismissed) or can_restart(studio, run, view),
    )


def can_restart(studio: Studio, run: Run, view: View) -> bool:
    """True if ``run`` does not answer, and starting this very process again would end its work."""
    current = studio.queue.current
    is_ours = current is not None and current.id == run.id
    return studio.restart is not None and is_ours and view.is_stalled(time.time())


def resume_label(view: View, standing: Standing) -> str:
    """What the button says that lets the run go on; empty if there is nothing to go on with."""
    if view.state not in RESUMABLE:
        return ""
    if standing.checkpoint:
        return f"Resume from step {amount(standing.checkpoint)}"
    return "Start again" if view.started_at else "Put it in line"


def stop_label(view: View) -> str:
    """What the button says that ends the run's work, or its waiting; empty if it has ended."""
    if view.state == "queued":
        return "Take out of the line"
    return "Stop and keep" if view.state in ACTIVE and view.state != "stopping" else ""


def disk_words(studio: Studio, current: Run | None) -> str:
    """That the disk is nearly full, with the figures; empty while there is room."""
    free, needed = shutil.disk_usage(studio.workspace.path).free, 0
    if current and (saved := current.checkpoints.all()):
        needed = saved[-1].size_bytes
    if free < needed + RESERVE_BYTES:
        return f"{size(free)} of disk free, and the next checkpoint needs {size(needed + RESERVE_BYTES)}"
    return f"only {size(free)} of disk free" if free < LOW_BYTES else ""


def _ahead(studio: Studio, run: Run) -> int | None:
    line = [waiting.id for waiting in studio.queue.waiting()]
    if run.id not in line:
        return None
    return line.index(run.id) + (1 if studio.current() else 0)


def _origin(studio: Studio, run: Run) -> str:
    earlier = studio.recipe(run).model.run
    return f"run {earlier.split('-')[0].lstrip('0')}" if earlier else ""

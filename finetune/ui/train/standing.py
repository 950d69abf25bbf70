"""Standing: what a run's directory and the queue say of it beside its events, and so what can be asked of it now."""

import shutil
import time
from dataclasses import dataclass

from finetune.evaluation.sheet import Sheet
from finetune.evaluation.verdict import verdict
from finetune.format import amount, size
from finetune.runs.checkpoints import RESERVE_BYTES
from finetune.runs.run import Run
from finetune.runs.view import ACTIVE, FINISHED, RESUMABLE, View
from finetune.ui import views
from finetune.ui.studio import Studio

LOW_BYTES = 2 * 2**30
"""Less free disk than this is reported, whether a run needs it or not."""


@dataclass(frozen=True)
class Standing:
    """Where a run stands, as far as its view does not say so."""

    checkpoint: int | None = None
    """The step of its newest checkpoint. Whether every byte of it is intact is verified when the run is resumed."""
    asked: str = ""
    """What was asked of it: ``stop``, ``pause`` or ``yield``."""
    origin: str = ""
    """The earlier run whose model it started from, in words: ``run 3``."""
    position: int | None = None
    """Its queue position, 1 for the run that starts next; None if it is not queued."""
    is_offered: bool = False
    """True if it was interrupted or is not responding, and the top of the tab offers what can be done."""
    found: str = ""
    """What its scores say, or that base and tuned are being scored, as a sentence; empty without either."""

    @classmethod
    def of(cls, studio: Studio, run: Run, view: View) -> "Standing":
        """Where ``run`` stands now."""
        saved, earlier = run.checkpoints.all(), studio.recipe(run).model.run
        queued = [waiting.id for waiting in studio.queue.waiting()]
        return cls(
            checkpoint=saved[-1].step if saved else None,
            asked=run.asked,
            origin=views.run_number(earlier) if earlier else "",
            position=queued.index(run.id) + 1 if run.id in queued else None,
            is_offered=(view.state == "interrupted" and not run.is_dismissed) or can_restart(studio, run, view),
            found=found_words(run) if view.state in FINISHED else "",
        )


def found_words(run: Run) -> str:
    """What the scores of ``run`` say, or that they are being made; empty without either."""
    sheet = Sheet(run)
    if sheet.request:
        return "Base and tuned are being scored now."
    scores = sheet.scores
    return verdict(scores).advice if scores else ""


def can_restart(studio: Studio, run: Run, view: View) -> bool:
    """True if ``run`` is not responding, and restarting this very process would end its work."""
    current = studio.queue.current
    is_ours = current is not None and current.id == run.id
    return studio.restart is not None and is_ours and view.is_stalled(time.time())


def resume_label(view: View, standing: Standing) -> str:
    """The label of the button that resumes the run; empty if there is nothing to resume."""
    if view.state not in RESUMABLE:
        return ""
    if standing.checkpoint:
        return f"Resume from step {amount(standing.checkpoint)}"
    if view.is_partly_fetched:
        return "Resume the download"
    return "Restart from step 0" if view.started_at else "Queue again"


def stop_label(view: View) -> str:
    """The label of the button that ends the run's work, or takes it out of the queue; empty if it has ended."""
    if view.state == "queued":
        return "Remove from the queue"
    if view.phase == "downloading" and view.state == "preparing":
        return "Stop"
    return "Stop and keep" if view.state in ACTIVE and view.state != "stopping" else ""


def disk_words(studio: Studio, current: Run | None) -> str:
    """That the disk is nearly full, with the figures; empty while there is room."""
    free, needed = shutil.disk_usage(studio.workspace.path).free, 0
    if current and (saved := current.checkpoints.all()):
        needed = saved[-1].size_bytes
    if free < needed + RESERVE_BYTES:
        return f"{size(free)} of disk free, and the next checkpoint needs {size(needed + RESERVE_BYTES)}"
    return f"only {size(free)} of disk free" if free < LOW_BYTES else ""

"""The base of a run, brought to this machine: a model of the Hub is downloaded, the run pinned to its version."""

import time
from collections import deque

from finetune.errors import ModelError
from finetune.format import size_of
from finetune.models.download import download, find_cached, is_whole, resolve
from finetune.models.locate import is_hub
from finetune.models.transfer import Stopped
from finetune.recipe import Recipe
from finetune.runs import events
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.training import distributed

SOONEST_S, LATEST_S = 1.0, 10.0
"""The shortest and the longest time between two events of a download."""
EVENTS_PER_E_FOLD = 200
"""A download's events come further apart the longer it takes: this many while its duration grows by a factor of e."""
PACE_S = 15.0
"""The rate is that of the last so many seconds."""


def bring_base(run: Run, recipe: Recipe, workspace: Workspace) -> Recipe:
    """``recipe`` with its model at the version that is on this machine; ``Stopped`` if the run was asked to end.

    The main process downloads; the others wait for it as long as it takes.
    """
    if not is_hub(recipe.model, workspace):
        return recipe
    if recipe.model.run and not recipe.model.revision:  # an adapter fits the version that it was trained on
        recipe = recipe.changed(**{"model.revision": workspace.run(recipe.model.run).as_trained.model.revision})
    found = None
    if distributed.is_main_process():
        try:
            found = _bring(run, recipe)
        except Stopped as stopped:
            found = stopped
    found = distributed.share_late(found)
    if isinstance(found, Stopped):
        raise found
    return recipe.changed(**{"model.revision": found})


def _bring(run: Run, recipe: Recipe) -> str:
    """The commit of the model, which is whole on this machine."""
    from huggingface_hub import is_offline_mode

    cached = find_cached(recipe.model)
    try:
        remote = resolve(recipe.model)
    except ModelError as error:
        if cached is None:
            raise
        remote = None
        if not is_offline_mode():
            run.emit(events.Noted(message=f"The model is read as it is on this machine. {error.message}"))
    commit = remote.commit if remote else cached.name
    run.emit(events.Pinned(commit=commit))
    if remote is None:
        return commit
    if not is_whole(remote):
        run.emit(events.Entered(phase="downloading"))
    progress = Progress(run)
    try:
        download(remote, recipe.model.revision, lambda: run.cancelled, progress)
    except Stopped:
        here = progress.words and f": {progress.words} are here"
        raise Stopped(f"It was asked to end while the model was downloaded{here}.") from None
    finally:
        progress.report()
    return commit


class Progress:
    """Reports how far a download has come as events of a run, seldom enough for its log."""

    def __init__(self, run: Run):
        self._run = run
        self._began = time.monotonic()
        self._due = 0.0
        self._pace: deque[tuple[float, int]] = deque()
        self._known: events.Fetched | None = None
        self._reported: events.Fetched | None = None

    @property
    def words(self) -> str:
        """How much is here of how much; empty before it is known."""
        return size_of(self._known.done_bytes, self._known.total_bytes) if self._known else ""

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        """So many bytes of all are here."""
        now = time.monotonic()
        self._pace.append((now, done_bytes))
        while now - self._pace[0][0] > PACE_S:
            self._pace.popleft()
        took, before = now - self._pace[0][0], self._pace[0][1]
        rate = (done_bytes - before) / took if done_bytes > before else None
        self._known = events.Fetched(done_bytes=done_bytes, total_bytes=total_bytes, bytes_per_s=rate)
        if now >= self._due:
            self._due = now + min(max(SOONEST_S, (now - self._began) / EVENTS_PER_E_FOLD), LATEST_S)
            self.report()

    def report(self) -> None:
        """Report how far it has come, unless that is reported already."""
        if self._known is not None and self._known is not self._reported:
            self._reported = self._known
            self._run.emit(self._known)

"""Checkpoints on the Hub, for a machine that loses its files: pushed as they are saved, and fetched to resume there.

The repository is the run directory with its newest checkpoint: recipe, events, ``checkpoints/step-0000007``. A thread
sends it while the training continues, which waits for hard links (or a copy, where the disk has none) and nothing else.
While one checkpoint is on its way only the newest of the later ones waits. A failure is an event, and ends no run.
"""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.errors import FinetuneError, RunError
from finetune.models import hub
from finetune.models.account import token_or_refuse
from finetune.models.push import OF_THE_HUB, Push, git_key
from finetune.models.remote import hub_errors
from finetune.recipe import Recipe
from finetune.runs import events
from finetune.runs.checkpoints import Checkpoint
from finetune.runs.job import Stopped
from finetune.runs.numbering import new_folder
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.training import distributed

RECIPE, EVENTS, CHECKPOINTS = "recipe.yaml", "events.jsonl", "checkpoints"
OWN = (RECIPE, EVENTS, f"{CHECKPOINTS}/*")
"""What a repository of checkpoints has, by pattern."""
LAST_S = 120.0
"""Seconds that a run which has ended waits for its last checkpoint to arrive."""


def require_token(recipe: Recipe) -> None:
    """``RunError`` if the checkpoints of ``recipe`` are to be pushed and this machine could not do so."""
    if recipe.training.push_to:
        token_or_refuse()


class Pusher:
    """Sends the newest checkpoint of a run, in a thread of its own."""

    def __init__(self, run: Run, repo: str):
        self._run, self._repo = run, repo
        self._folder = run.path / ".push"
        self._waiting: Path | None = None
        self._changed, self._over, self._is_busy = threading.Condition(), False, False
        self._failure = ""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._thread = threading.Thread(target=self._serve, name="push", daemon=True)
        self._thread.start()

    def offer(self, checkpoint: Checkpoint) -> None:
        """Have ``checkpoint`` sent, in place of one that still waits."""
        try:
            folder = self._snapshot(checkpoint)
        except OSError as error:
            return self._note(f"it could not be copied ({error.strerror})")
        with self._changed:
            replaced, self._waiting = self._waiting, folder
            self._changed.notify_all()
        if replaced:
            shutil.rmtree(replaced, ignore_errors=True)

    def close(self, limit_s: float | None = None) -> None:
        """Wait until all is sent, at most ``limit_s`` seconds (``LAST_S``), and end."""
        end = time.monotonic() + (LAST_S if limit_s is None else limit_s)
        with self._changed:
            while (self._waiting or self._is_busy) and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            is_late = bool(self._waiting or self._is_busy)
            self._over = True
            self._changed.notify_all()
        if is_late:
            self._run.emit(_noted(self._repo, "it did not arrive in time; what was pushed before is there"))
        else:
            self._thread.join()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _snapshot(self, checkpoint: Checkpoint) -> Path:
        """A folder with ``checkpoint`` and what it belongs to, as they are now."""
        folder = self._folder / f"{checkpoint.path.name}-{time.monotonic_ns()}"
        shutil.copytree(checkpoint.path, folder / CHECKPOINTS / checkpoint.path.name, copy_function=_link)
        for name in (RECIPE, EVENTS):
            shutil.copyfile(self._run.path / name, folder / name)
        return folder

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._over:
                    self._changed.wait()
                if self._over:
                    return
                folder, self._waiting, self._is_busy = self._waiting, None, True
            try:
                self._send(folder)
                self._failure = ""
            except Stopped:
                pass
            except FinetuneError as error:
                self._note(f"{error.message} {error.hint}".strip())
            except Exception as error:
                self._note(f"an unexpected error ({type(error).__name__})")
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                with self._changed:
                    self._is_busy = False
                    self._changed.notify_all()

    def _send(self, folder: Path) -> None:
        pushed = Push(self._repo, token_or_refuse(), stopped=lambda: self._over)
        _require_own(pushed, folder)
        pushed.create(private=True)
        (name,) = (path.name for path in (folder / CHECKPOINTS).iterdir())
        pushed.send(folder, f"{name} of {self._run.id}", replace=True)

    def _note(self, why: str) -> None:
        """Write down why a checkpoint was not pushed, once for the same reason in a row."""
        if why != self._failure and not self._over:
            self._failure = why
            self._run.emit(_noted(self._repo, why))


@contextmanager
def pushing(run: Run, repo: str | None) -> Iterator[Pusher | None]:
    """The pusher of ``run``, until its last checkpoint has arrived; None without a ``repo``, and for ranks > 0."""
    pusher = Pusher(run, repo) if repo and distributed.is_main_process() else None
    try:
        yield pusher
    finally:
        if pusher:
            pusher.close()


def _noted(repo: str, why: str) -> events.Noted:
    return events.Noted(message=f"A checkpoint was not pushed to {repo}: {why.rstrip('.')}.", level="warning")


def _require_own(pushed: Push, folder: Path) -> None:
    """``RunError`` unless the repository is private, and empty or that of this very run."""
    if pushed.is_private() is False:
        raise RunError(f"{pushed.repo} is public, and checkpoints are pushed to private repositories alone")
    there = {name: file for name, file in (pushed.files() or {}).items() if name != OF_THE_HUB}
    if there and (RECIPE not in there or there[RECIPE].key != git_key(folder / RECIPE)):
        raise RunError(f"{pushed.repo} has other files, or the checkpoints of another run, and is left as it is")


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def fetch(repo: str, workspace: Workspace) -> Run:
    """A new run with what was pushed to ``repo``, ready to be resumed.

    ``ModelError`` if there is no such repository, ``RunError`` if its checkpoint is not as it was saved.
    """
    from huggingface_hub import constants, snapshot_download

    staging = workspace.runs_dir / f".fetched-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    try:
        with hub_errors(repo):
            snapshot_download(
                repo, local_dir=staging, allow_patterns=list(OWN), token=hub.token(), endpoint=constants.ENDPOINT
            )
        shutil.rmtree(staging / ".cache", ignore_errors=True)
        return _placed(staging, repo, workspace)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _placed(staging: Path, repo: str, workspace: Workspace) -> Run:
    """``staging`` as a run of ``workspace``, once its checkpoint verifies."""
    if not all((staging / name).is_file() for name in (RECIPE, EVENTS)):
        raise RunError(f"{repo} has no run that could be resumed.", "Name the repository of `training.push_to`.")
    recipe, found = Recipe.load(staging / RECIPE), Run(staging).checkpoints.newest()
    if found.checkpoint is None:
        raise RunError(f"{repo} has no whole checkpoint. {' '.join(found.skipped)}".strip(), "Push it again.")
    path = new_folder(workspace.runs_dir, recipe.name)
    for name in (CHECKPOINTS, EVENTS, RECIPE):  # the recipe comes last: it makes a run of the folder
        (staging / name).rename(path / name)
    return Run(path)

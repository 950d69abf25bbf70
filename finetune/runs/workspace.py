"""The workspace: the one folder where runs, uploads and local models live.

``$FINETUNE_HOME``, else ``/data/finetune`` in the Docker image or on a Space, else ``workspace/`` beside ``app.py``.
"""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import tempfile
import time
import unicodedata
import uuid
from pathlib import Path, PurePosixPath

from finetune.errors import RunError
from finetune.paths import ASSETS, PROJECT
from finetune.recipe import Recipe
from finetune.runs.checkpoints import require_room
from finetune.runs.run import Run
from finetune.runs.view import ACTIVE

DIGEST_SIGNS = 16
"""Of the hash that a folder of uploads is named for: too many for anyone to make a file that takes another's place."""
MAX_NAME_BYTES, MAX_ENDING_BYTES = 200, 50
"""Of a file's name without its ending, and of that; file systems take 255 in all."""
LEFT_BEHIND_S = 86_400
"""A copy of an upload that is not whole after so long was cut off, by a power cut for example."""
UNFIT = '\\/:*?"<>|'
"""Signs that mean something else to some file system."""

WHY_NOT = {
    errno.EROFS: "its disk is read-only",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
    errno.ENOTDIR: "a file is where the folder should be",
    errno.EEXIST: "a file is where the folder should be",
    errno.ENOSPC: "its disk is full",
}
"""Why a folder cannot be written to, in plain words."""


def home() -> Path:
    """Where the workspace is, by the environment."""
    if os.environ.get("FINETUNE_HOME"):
        return Path(os.environ["FINETUNE_HOME"]).expanduser().resolve()
    if os.environ.get("SYSTEM") == "spaces" and os.access("/data", os.W_OK):
        return Path("/data/finetune")
    return PROJECT / "workspace"


class Workspace:
    """A folder of runs, uploads and models; made on first use."""

    def __init__(self, path: Path | None = None):
        self.path = Path(path).resolve() if path else home()
        self.runs_dir = self.path / "runs"
        self.uploads_dir = self.path / "uploads"
        self.models_dir = self.path / "models"
        try:
            for folder in (self.runs_dir, self.uploads_dir, self.models_dir):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(error) from None

    def require_writable(self) -> None:
        """Find out before anything is begun what would fail in the middle of it.

        ``RunError`` if nothing can be written here, ``DiskError`` if the disk is almost full.
        """
        require_room(self.path, 0, "new runs")
        try:
            for folder in (self.path, self.runs_dir, self.uploads_dir):
                with tempfile.NamedTemporaryFile(dir=folder, prefix=".probe-"):
                    pass
        except OSError as error:
            raise self._refused(error) from None

    def _refused(self, error: OSError) -> RunError:
        why = WHY_NOT.get(error.errno, error.strerror)
        return RunError(
            f"The workspace {self.path} cannot be written: {why}.", "Set FINETUNE_HOME to a folder you may write to."
        )

    def keep(self, source: Path, name: str) -> str:
        """A copy of a file that a person sent, under the ``name`` they know; the path that a recipe names it by.

        It lies in a folder named for its content, so that files of one name do not get in each other's way. What is
        there is whole; ``RunError`` if it cannot be written.
        """
        with open(source, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST_SIGNS]
        target = self.uploads_dir / digest / file_name(name)
        if not target.exists():
            unfinished = self.uploads_dir / f".{uuid.uuid4().hex}"
            try:
                shutil.copyfile(source, unfinished)
                target.parent.mkdir(exist_ok=True)
                unfinished.replace(target)
            except OSError as error:
                raise self._refused(error) from None
            finally:
                unfinished.unlink(missing_ok=True)
        return target.relative_to(self.path).as_posix()

    def create(self, recipe: Recipe) -> Run:
        """A new run with the next number, ready for a worker."""
        return Run.create(self.runs_dir, recipe)

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        shown = (path for path in self.runs_dir.iterdir() if not path.name.startswith("."))
        found = [Run(path) for path in shown if (path / "recipe.yaml").is_file()]
        return sorted(found, key=lambda run: run.number, reverse=True)

    def run(self, run_id: str) -> Run:
        """The run named ``run_id``: its id, or its number alone."""
        for run in self.runs():
            if run_id == run.id or (re.fullmatch(r"\d+", run_id) and int(run_id) == run.number):
                return run
        raise RunError(f"There is no run {run_id!r}.", "See `python -m finetune runs` for those there are.")

    def delete(self, run: Run) -> None:
        """Take ``run`` out of the workspace; ``RunError`` unless it has ended and nobody needs it.

        It is gone at once, whole: it gets a hidden name, which ``prune`` removes. Its number is not given again.
        """
        if not (run.path / "recipe.yaml").is_file():
            raise RunError(f"There is no run {run.id!r}.", "It was deleted already.")
        self._require_unneeded(run)
        with run.held():
            (self.runs_dir / f"{run.number:03d}-deleted").touch()
            run.path.rename(self.runs_dir / f".trash-{run.id}")

    def _require_unneeded(self, run: Run) -> None:
        if run.view().state in ("queued", *ACTIVE):
            raise RunError(f"Run {run.id} has not ended.", "Stop it first; what has ended can be deleted.")
        for other in self.runs():
            if other.view().state in ("queued", *ACTIVE) and other.recipe.model.run in (run.id, str(run.number)):
                raise RunError(f"Run {other.id} starts from run {run.id}.", "Delete it when that one has ended.")

    def prune(self) -> None:
        """Remove what is left of deleted runs and of uploads; what cannot be removed is left for the next time."""
        for path in self.runs_dir.glob(".trash-*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.uploads_dir.glob(".*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > LEFT_BEHIND_S:
                    path.unlink()

    def find(self, path: str, trusted: bool = True) -> Path:
        """The file a recipe names: as written, else in the workspace, else in the project.

        With ``trusted=False`` (a recipe from a visitor) only files in the workspace's uploads and the shipped
        samples are found, so that a recipe cannot read the rest of the machine.
        """
        allowed = (self.uploads_dir, ASSETS / "samples")
        for folder in (Path(), self.path, PROJECT) if trusted else (self.path, PROJECT):
            full = _resolved(folder, path)
            if full and full.is_file() and (trusted or any(full.is_relative_to(root.resolve()) for root in allowed)):
                return full
        raise RunError(f"There is no data file {path[:200]!r}.", "Upload it on the Data tab, or check the path.")


def file_name(name: str) -> str:
    """``name`` without folders, without signs that no system's files or no sentence can bear, and not too long.

    A name of dots alone, which is a folder's, is not kept.
    """
    name = unicodedata.normalize("NFC", PurePosixPath(name).name)
    if not name.strip("."):
        return "unnamed"
    shown = Path("".join(sign if sign.isprintable() and sign not in UNFIT else "_" for sign in name))
    parts = (shown.stem, MAX_NAME_BYTES), (shown.suffix, MAX_ENDING_BYTES)
    return "".join(part.encode()[:most].decode(errors="ignore") for part, most in parts)


def _resolved(folder: Path, path: str) -> Path | None:
    """``path`` seen from ``folder``, links followed; None if no file can have that name."""
    try:
        full = (folder / Path(path).expanduser()).resolve()
        full.stat()
    except (OSError, ValueError, RuntimeError):
        return None
    return full

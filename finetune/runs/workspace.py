"""The workspace: the one folder of runs, uploads and local models.

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

from finetune import modes
from finetune.errors import GoneError, RunError
from finetune.paths import ASSETS, PROJECT
from finetune.recipe import Recipe
from finetune.runs import owners
from finetune.runs.checkpoints import require_room
from finetune.runs.run import Run
from finetune.runs.view import ACTIVE

DIGEST_DIGITS = 16
"""Hex digits of the hash in the name of an upload's folder: enough that nobody can forge a file with an equal one."""
MAX_NAME_BYTES, MAX_ENDING_BYTES = 200, 50
"""Longest file name and file extension that are kept; file systems allow 255 bytes in all."""
UNFINISHED_S = 86_400
"""A copy of an upload that is unfinished after this time was interrupted, for example by a power cut."""
SPECIAL = '\\/:*?"<>|'
"""Characters with a special meaning in some file system."""

WHY_NOT = {
    errno.EROFS: "its disk is read-only",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
    errno.ENOTDIR: "a file is where the folder should be",
    errno.EEXIST: "a file is where the folder should be",
    errno.ENOSPC: "its disk is full",
}
"""Error number -> why a folder cannot be written to."""


def home() -> Path:
    """The path of the workspace, as the environment sets it."""
    if os.environ.get("FINETUNE_HOME"):
        return Path(os.environ["FINETUNE_HOME"]).expanduser().resolve()
    if os.environ.get("SYSTEM") == "spaces" and os.access("/data", os.W_OK):
        return Path("/data/finetune")
    return PROJECT / "workspace"


class Workspace:
    """A folder of runs, uploads and models; created on first use, and only its own account enters it."""

    def __init__(self, path: Path | None = None):
        self.path = Path(path).resolve() if path else home()
        self.runs_dir = self.path / "runs"
        self.uploads_dir = self.path / "uploads"
        self.models_dir = self.path / "models"
        self.cache_dir = self.path / ".cache"
        """What is on its way from or to a browser; only a server has it."""
        try:
            self.path.mkdir(modes.FOLDER, parents=True, exist_ok=True)
            for folder in (self.runs_dir, self.uploads_dir, self.models_dir):
                folder.mkdir(modes.FOLDER, exist_ok=True)
        except OSError as error:
            raise self._refused(error) from None

    @property
    def kept_dir(self) -> Path:
        """The folder of the rows that a person made of answers (``finetune.runs.kept``), among the uploads."""
        return self.uploads_dir / "kept"

    def close(self) -> None:
        """Let no other account enter it: an older version made it open to all of the machine."""
        modes.close(self.path, self.runs_dir, self.uploads_dir, self.models_dir, self.cache_dir)

    def require_writable(self) -> None:
        """``RunError`` if nothing can be written here, ``DiskError`` if the disk is almost full.

        The server calls this at its start, because otherwise a run would fail in the middle.
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
            f"The workspace {self.path} cannot be written to: {why}.", "Set FINETUNE_HOME to a folder you may write to."
        )

    def keep(self, source: Path, name: str, owner: str | None = None) -> str:
        """The path of a copy of an uploaded file under its original ``name``, as a recipe refers to it.

        The copy's folder is named after a hash of its content, so that files of one name do not collide, and who
        brings equal bytes becomes an ``owner`` too. A copy is complete or absent; ``RunError`` if it cannot be written.
        """
        with open(source, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST_DIGITS]
        target = self.uploads_dir / digest / file_name(name)
        unfinished = self.uploads_dir / f".{uuid.uuid4().hex}"
        try:
            if owner is not None:
                owners.add(target, owner)  # first: a copy is never without its owner
            if not target.exists():
                shutil.copyfile(source, unfinished)
                target.parent.mkdir(exist_ok=True)
                unfinished.replace(target)
        except OSError as error:
            raise self._refused(error) from None
        finally:
            unfinished.unlink(missing_ok=True)
        return target.relative_to(self.path).as_posix()

    def owns(self, path: str, owner: str) -> bool:
        """True if ``owner`` brought the upload at ``path``."""
        full = _resolved(self.path, path)
        return full is not None and owners.owns(full, owner)

    def create(self, recipe: Recipe, owner: str | None = None) -> Run:
        """A new queued run with the next number."""
        return Run.create(self.runs_dir, recipe, owner)

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        shown = (path for path in self.runs_dir.glob("*") if not path.name.startswith("."))
        found = [Run(path) for path in shown if (path / "recipe.yaml").is_file()]
        return sorted(found, key=lambda run: run.number, reverse=True)

    def run(self, run_id: str) -> Run:
        """The run named ``run_id``: its id, or its number alone."""
        for run in self.runs():
            if run_id == run.id or (re.fullmatch(r"\d+", run_id) and int(run_id) == run.number):
                return run
        raise RunError(f"There is no run {run_id!r}.", "`python -m finetune runs` lists them all.")

    def delete(self, run: Run) -> None:
        """Delete ``run``; ``RunError`` unless it has ended and no queued or active run starts from it.

        It gets a hidden name, which ``prune`` removes, so that it is gone at once. Its number is not used again.
        """
        if not (run.path / "recipe.yaml").is_file():
            raise RunError(f"There is no run {run.id!r}.", "It was deleted already.")
        self._require_unneeded(run)
        with run.held():
            with run.here():
                run.path.rename(self.runs_dir / f".trash-{run.id}")

    def _require_unneeded(self, run: Run) -> None:
        if run.view().state in ("queued", *ACTIVE):
            raise RunError(f"Run {run.id} has not ended.", "Stop it first; only ended runs can be deleted.")
        for other in self.unfinished():
            with contextlib.suppress(GoneError):
                if other.recipe.model.run in (run.id, str(run.number)):
                    raise RunError(
                        f"Run {other.id} starts from run {run.id}.", "Delete this run once that one has ended."
                    )

    def unfinished(self) -> list[Run]:
        """The queued and the active runs, newest first."""
        return [run for run in self.runs() if run.view().state in ("queued", *ACTIVE)]

    def prune(self) -> None:
        """Remove deleted runs and unfinished uploads; what cannot be removed now is removed next time."""
        for path in self.runs_dir.glob(".trash-*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in self.uploads_dir.glob(".*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > UNFINISHED_S:
                    path.unlink()

    def find(self, path: str, trusted: bool = True, owner: str | None = None) -> Path:
        """The data file of a recipe: by its path as written, else in the workspace, else in the project.

        With ``trusted=False`` (a recipe from a visitor) only the workspace's uploads and the shipped samples are
        found, so that a recipe cannot read other files of the machine. With an ``owner``, an upload is found only if
        that person brought it.
        """
        for folder in (Path(), self.path, PROJECT) if trusted else (self.path, PROJECT):
            full = _resolved(folder, path)
            if full and full.is_file() and (trusted or self._may_be_read(full)) and self._is_of(full, owner):
                return full
        raise RunError(f"There is no data file {path[:200]!r}.", "Upload it on the Data tab, or check the path.")

    def _is_of(self, file: Path, owner: str | None) -> bool:
        """False for an upload that ``owner`` did not bring."""
        return owner is None or not file.is_relative_to(self.uploads_dir) or owners.owns(file, owner)

    def _may_be_read(self, file: Path) -> bool:
        """True for uploads and samples, but not for what the program notes beside uploads."""
        if file.is_relative_to(self.uploads_dir):
            return not any(part.startswith(".") for part in file.parent.relative_to(self.uploads_dir).parts)
        return file.is_relative_to((ASSETS / "samples").resolve())


def file_name(name: str) -> str:
    """``name`` without folders, without unprintable or special characters, and not too long.

    A name of dots alone, which would be a folder's, becomes ``unnamed``.
    """
    name = unicodedata.normalize("NFC", PurePosixPath(name).name)
    if not name.strip("."):
        return "unnamed"
    shown = Path("".join(c if c.isprintable() and c not in SPECIAL else "_" for c in name))
    parts = (shown.stem, MAX_NAME_BYTES), (shown.suffix, MAX_ENDING_BYTES)
    return "".join(part.encode()[:most].decode(errors="ignore") for part, most in parts)


def _resolved(folder: Path, path: str) -> Path | None:
    """``path`` relative to ``folder`` with links resolved; None if no file can have that name."""
    try:
        full = (folder / Path(path).expanduser()).resolve()
        full.stat()
    except (OSError, ValueError, RuntimeError):
        return None
    return full

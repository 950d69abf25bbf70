"""Checkpoints: enough to go on, each whole or not there at all.

One is written beside the others under a hidden name, brought to the disk, described in a manifest of sizes and
SHA-256 sums, and only then given its name; older ones go last. So whatever ends the process, and whenever, the newest
checkpoint that verifies can be gone on from. Nothing is told by a file's date. This module knows nothing of models.
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from finetune.errors import DiskError
from finetune.format import size

MANIFEST = "MANIFEST"
"""The sum of what follows in its first line, then JSON."""
NAME = re.compile(r"step-(\d{7,})")
RESERVE_BYTES = 64 * 2**20
"""Left free for the log of the run, whatever is saved."""
SAVE_S = 300.0
"""Seconds of training after which one is saved where the recipe does not say."""
NEWEST_KEPT = 2
"""Checkpoints kept beside the best: if the newest cannot be read, the one before it can."""


@dataclass(frozen=True)
class Checkpoint:
    """One that was finished; whether it is still whole, ``fault`` finds out."""

    path: Path
    step: int

    @property
    def facts(self) -> dict:
        """What was said of it when it was saved; empty if its manifest cannot be read."""
        return self._manifest().get("facts", {})

    @property
    def size_bytes(self) -> int:
        """Bytes of its files by its manifest; 0 if that cannot be read."""
        return sum(told["bytes"] for told in self._manifest().get("files", {}).values())

    def fault(self) -> str:
        """What is wrong with it, as the end of a sentence; empty if every byte is as it was written."""
        manifest = self._manifest()
        if not manifest:
            return "its manifest is not as it was written"
        for name, told in manifest["files"].items():
            file = self.path / name
            try:
                if file.stat().st_size != told["bytes"] or digest(file) != told["sha256"]:
                    return f"{name} is not as it was written"
            except OSError:
                return f"{name} cannot be read"
        return ""

    def _manifest(self) -> dict:
        """What was written down; empty if it cannot be read, or is not what was written."""
        try:
            total, told = (self.path / MANIFEST).read_bytes().split(b"\n", 1)
            return json.loads(told) if hashlib.sha256(told).hexdigest().encode() == total else {}
        except (OSError, ValueError):
            return {}


@dataclass(frozen=True)
class Found:
    """The checkpoint to go on from, if there is one, and what had to be passed over."""

    checkpoint: Checkpoint | None = None
    skipped: list[str] = field(default_factory=list)
    """Of each newer one that is damaged: which it is and what is wrong, as a sentence."""


class Checkpoints:
    """The checkpoints of one run, in one folder."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def all(self) -> list[Checkpoint]:
        """Those that were finished, by step."""
        if not self.folder.is_dir():
            return []
        named = ((path, NAME.fullmatch(path.name)) for path in self.folder.iterdir())
        return sorted((Checkpoint(path, int(match[1])) for path, match in named if match), key=lambda one: one.step)

    def newest(self) -> Found:
        """The one of the highest step that is whole."""
        skipped = []
        for checkpoint in reversed(self.all()):
            fault = checkpoint.fault()
            if not fault:
                return Found(checkpoint, skipped)
            skipped.append(f"The checkpoint of step {checkpoint.step:,} is passed over: {fault}.")
        return Found(None, skipped)

    def at(self, step: int) -> Checkpoint | None:
        """The one of ``step`` if it is there and whole."""
        found = next((one for one in self.all() if one.step == step), None)
        return found if found and not found.fault() else None

    @contextmanager
    def staging(self, step: int, facts: dict | None = None) -> Iterator[Path]:
        """A new folder to write the checkpoint of ``step`` to; leaving the block keeps it, an error leaves nothing.

        ``DiskError`` if the disk is full.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prune_unfinished()
        staged = self.staged(step)
        try:
            with disk_errors(self.folder):
                staged.mkdir()
                yield staged
                self._commit(staged, step, facts or {})
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise

    def staged(self, step: int) -> Path:
        """Where the checkpoint of ``step`` is written to until it is whole."""
        return self.folder / f".staging-{step:07d}"

    def _commit(self, staged: Path, step: int, facts: dict) -> None:
        files = sorted(path for path in staged.rglob("*") if path.is_file())
        told = {}
        for file in files:
            sync(file)
            told[file.relative_to(staged).as_posix()] = {"bytes": file.stat().st_size, "sha256": digest(file)}
        manifest, text = staged / MANIFEST, json.dumps({"step": step, "facts": facts, "files": told}, indent=1).encode()
        manifest.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
        sync(manifest)
        for folder in {file.parent for file in files} | {staged}:
            sync(folder)
        final = self.folder / f"step-{step:07d}"
        if final.exists():  # a damaged one, or the same step reached again after going back
            final.rename(self.folder / f".trash-{step:07d}")
        staged.rename(final)
        sync(self.folder)

    def prune(self, best_step: int | None = None) -> None:
        """Remove all but the newest two and the best; what cannot be removed is left for the next time."""
        kept = {one.step for one in self.all()[-NEWEST_KEPT:]} | {best_step}
        for one in self.all():
            if one.step not in kept:
                self._remove(one.path)
        self.prune_unfinished()

    def prune_unfinished(self) -> None:
        """Remove what a killed process left behind unfinished."""
        for path in [*self.folder.glob(".staging-*"), *self.folder.glob(".trash-*")]:
            shutil.rmtree(path, ignore_errors=True)

    def _remove(self, path: Path) -> None:
        """Under a hidden name first, so that a half-removed folder is never taken for a checkpoint."""
        trash = self.folder / path.name.replace("step-", ".trash-")
        try:
            path.rename(trash)
        except OSError:
            return
        shutil.rmtree(trash, ignore_errors=True)


def digest(path: Path) -> str:
    """The SHA-256 sum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Have the content of a file, or the names in a folder, on the disk before this returns."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder, and keeps its names safe by itself
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def require_room(folder: Path, needed_bytes: int, what: str) -> None:
    """``DiskError`` with both figures unless ``needed_bytes`` and a reserve are free where ``folder`` is."""
    free = shutil.disk_usage(_existing(folder)).free
    if free < needed_bytes + RESERVE_BYTES:
        raise DiskError(
            f"The disk is too full for {what}: it needs {size(needed_bytes + RESERVE_BYTES)}, "
            f"and {size(free)} are free.",
            "Delete runs you no longer need, or set FINETUNE_HOME to a larger disk.",
        )


class disk_errors:
    """Whatever is raised inside this block because the disk of ``folder`` is full leaves it as a ``DiskError``."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __enter__(self) -> None:
        pass

    def __exit__(self, _, error: BaseException | None, __) -> None:
        if not isinstance(error, Exception) or not _is_disk_full(error):
            return
        free = shutil.disk_usage(_existing(self.folder)).free
        raise DiskError(
            f"The disk is full ({size(free)} free): what was learnt since the last checkpoint could not be saved.",
            "That checkpoint is whole. Make room, then resume the run.",
        ) from error


def _is_disk_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # torch writes through C++ and says only that it could not; safetensors has an error class of its own.
    return any(words in str(error) for words in ("No space left", "inline_container", "file write failed"))


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())

"""Checkpoints: enough to resume a run, each complete or absent.

A checkpoint is written to a hidden staging folder, flushed to the disk, listed in a manifest of sizes and SHA-256
checksums, and only then renamed to its final name; older ones are pruned last. So whatever ends the process, and
whenever, the run can be resumed from the newest checkpoint that verifies. No file date is used. This module knows
nothing about models.
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
"""Name of the manifest: the checksum of the rest on its first line, then JSON."""
NAME = re.compile(r"step-(\d{7,})")
RESERVE_BYTES = 64 * 2**20
"""Disk space left free for the log of the run."""
SAVE_S = 300.0
"""Seconds of training between checkpoints where the recipe sets no ``save_steps``."""
NEWEST_KEPT = 2
"""Newest checkpoints kept beside the best: if the newest is damaged, the one before it is used."""


@dataclass(frozen=True)
class Checkpoint:
    """A finished checkpoint; ``fault`` verifies that it is intact."""

    path: Path
    step: int

    @property
    def facts(self) -> dict:
        """The facts recorded when it was saved; empty if its manifest is damaged."""
        return self._manifest().get("facts", {})

    @property
    def size_bytes(self) -> int:
        """Bytes of its files according to its manifest; 0 if that is damaged."""
        return sum(entry["bytes"] for entry in self._manifest().get("files", {}).values())

    @property
    def is_complete(self) -> bool:
        """True if each of its files has the size in its manifest; whether every byte is right, ``fault`` says."""
        files = self._manifest().get("files", {})
        try:
            return bool(files) and all(
                (self.path / name).stat().st_size == kept["bytes"] for name, kept in files.items()
            )
        except OSError:
            return False

    def fault(self) -> str:
        """What is damaged, as the end of a sentence; empty if every byte is as it was written."""
        manifest = self._manifest()
        if not manifest:
            return "its manifest does not match its checksum"
        for name, entry in manifest["files"].items():
            file = self.path / name
            try:
                if file.stat().st_size != entry["bytes"] or digest(file) != entry["sha256"]:
                    return f"{name} does not match its checksum"
            except OSError:
                return f"{name} cannot be read"
        return ""

    def _manifest(self) -> dict:
        """The manifest; empty if it cannot be read or does not match its checksum."""
        try:
            checksum, text = (self.path / MANIFEST).read_bytes().split(b"\n", 1)
            return json.loads(text) if hashlib.sha256(text).hexdigest().encode() == checksum else {}
        except (OSError, ValueError):
            return {}


@dataclass(frozen=True)
class Found:
    """The checkpoint to resume from, if there is one, and the damaged ones that were skipped."""

    checkpoint: Checkpoint | None = None
    skipped: list[str] = field(default_factory=list)
    """For each newer, damaged checkpoint a sentence: which it is and what is wrong."""


class Checkpoints:
    """The checkpoints of one run, in one folder."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def all(self) -> list[Checkpoint]:
        """The finished checkpoints, by step."""
        if not self.folder.is_dir():
            return []
        named = ((path, NAME.fullmatch(path.name)) for path in self.folder.iterdir())
        return sorted((Checkpoint(path, int(match[1])) for path, match in named if match), key=lambda one: one.step)

    def newest(self) -> Found:
        """The intact checkpoint of the highest step."""
        skipped = []
        for checkpoint in reversed(self.all()):
            fault = checkpoint.fault()
            if not fault:
                return Found(checkpoint, skipped)
            skipped.append(f"The checkpoint of step {checkpoint.step:,} is damaged and was skipped: {fault}.")
        return Found(None, skipped)

    def at(self, step: int) -> Checkpoint | None:
        """The checkpoint of ``step``, if it exists and is intact."""
        found = next((one for one in self.all() if one.step == step), None)
        return found if found and not found.fault() else None

    @contextmanager
    def staging(self, step: int, facts: dict | None = None) -> Iterator[Path]:
        """A staging folder for the checkpoint of ``step``; leaving the block commits it, an error removes it.

        ``DiskError`` if the disk is full.
        """
        self.folder.mkdir(exist_ok=True)  # in a run that is still there
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
        """The staging folder of the checkpoint of ``step``, until it is committed."""
        return self.folder / f".staging-{step:07d}"

    def _commit(self, staged: Path, step: int, facts: dict) -> None:
        files = sorted(path for path in staged.rglob("*") if path.is_file())
        entries = {}
        for file in files:
            sync(file)
            entries[file.relative_to(staged).as_posix()] = {"bytes": file.stat().st_size, "sha256": digest(file)}
        manifest = staged / MANIFEST
        text = json.dumps({"step": step, "facts": facts, "files": entries}, indent=1).encode()
        manifest.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
        sync(manifest)
        for folder in {file.parent for file in files} | {staged}:
            sync(folder)
        final = self.folder / f"step-{step:07d}"
        if final.exists():  # a damaged one, or the same step reached again after a resume
            final.rename(self.folder / f".trash-{step:07d}")
        staged.rename(final)
        sync(self.folder)

    def prune(self, best_step: int | None = None) -> None:
        """Remove all but the newest two and the best; what cannot be removed now is removed next time."""
        kept = {one.step for one in self.all()[-NEWEST_KEPT:]} | {best_step}
        for one in self.all():
            if one.step not in kept:
                self._remove(one.path)
        self.prune_unfinished()

    def prune_unfinished(self) -> None:
        """Remove the unfinished folders of a killed process."""
        for path in [*self.folder.glob(".staging-*"), *self.folder.glob(".trash-*")]:
            shutil.rmtree(path, ignore_errors=True)

    def _remove(self, path: Path) -> None:
        """Remove a checkpoint, renamed first, so that a half-removed folder is never read as a checkpoint."""
        trash = self.folder / path.name.replace("step-", ".trash-")
        try:
            path.rename(trash)
        except OSError:
            return
        shutil.rmtree(trash, ignore_errors=True)


def digest(path: Path) -> str:
    """The SHA-256 checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Flush the content of a file, or the names in a folder, to the disk (fsync)."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder, and flushes its names by itself
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def require_room(folder: Path, needed_bytes: int, what: str) -> None:
    """``DiskError`` with both sizes unless ``needed_bytes`` and a reserve are free on the disk of ``folder``."""
    free = shutil.disk_usage(_existing(folder)).free
    if free < needed_bytes + RESERVE_BYTES:
        raise DiskError(
            f"The disk is too full for {what}: it needs {size(needed_bytes + RESERVE_BYTES)}, "
            f"and {size(free)} are free.",
            "Delete runs you no longer need, or set FINETUNE_HOME to a folder on a larger disk.",
        )


class disk_errors:
    """Turns errors inside the block that mean a full disk (that of ``folder``) into a ``DiskError``."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __enter__(self) -> None:
        pass

    def __exit__(self, _, error: BaseException | None, __) -> None:
        if not isinstance(error, Exception) or not _is_disk_full(error):
            return
        free = shutil.disk_usage(_existing(self.folder)).free
        raise DiskError(
            f"The disk is full ({size(free)} free): the training since the last checkpoint could not be saved.",
            "That checkpoint is intact. Free some space, then resume the run.",
        ) from error


def _is_disk_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # torch writes through C++ and reports no errno; safetensors has its own error class.
    return any(words in str(error) for words in ("No space left", "inline_container", "file write failed"))


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())

"""The files that people brought: which there are, which runs name them, when they were used last; and their end.

Each is ``uploads/DIGEST/NAME``, with the digest of its content. What a person made on the page is in another folder
(``finetune.runs.kept``) and is not among them.
"""

import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

import yaml

from finetune import yaml_text
from finetune.errors import FinetuneError
from finetune.runs import owners
from finetune.runs.run import Run

FOLDER = re.compile("[0-9a-f]{16}")
"""The name of the folder of an upload."""
OPENED = ".opened"
"""A file beside uploads that says by its time when one of them was used last."""
SELDOM_S = 3600.0
"""That time is right to so many seconds."""


@dataclass(frozen=True)
class Upload:
    """A file that people brought."""

    path: str
    """As a recipe refers to it."""
    size_bytes: int
    used_at: float
    """When it was brought or read last, in Unix seconds."""
    owners: tuple[str, ...] = ()
    """Who brought it, where people sign in."""
    runs: tuple[str, ...] = ()
    """The ids of the runs that name it, newest first."""

    @property
    def name(self) -> str:
        """Its file name."""
        return PurePath(self.path).name


def listed(folder: Path, runs: Iterable[Run], owner: str | None = None) -> list[Upload]:
    """The uploads in ``folder``, of ``owner`` if one is given, those used last first."""
    users: dict[tuple[str, ...], list[str]] = {}
    for run in runs:
        for key in named(run):
            users.setdefault(key, []).append(run.id)
    found = []
    for file in _files(folder):
        who = owners.owners(file)
        if owner is None or owner in who:
            with suppress(FileNotFoundError):
                size, used_at = file.stat().st_size, last_used(file)
                path = file.relative_to(folder.parent).as_posix()
                found.append(Upload(path, size, used_at, tuple(who), tuple(users.get(_key(file), ()))))
    return sorted(found, key=lambda each: each.used_at, reverse=True)


def is_upload(file: Path, folder: Path) -> bool:
    """True if ``file`` is one of the uploads in ``folder``."""
    place = file.parent
    return place.parent == folder and bool(FOLDER.fullmatch(place.name)) and file in _shown(place)


def named(run: Run) -> set[tuple[str, ...]]:
    """Folder and name of each file that ``run`` reads: by its recipe, and for evaluations that are asked of it."""
    paths: list[object] = []
    with suppress(FinetuneError):
        data = run.recipe.data
        paths += [data.path, *data.also, data.held_out, data.replay, *(each.path for each in data.mix)]
    for request in run.path.glob("scores/*/request.yaml"):
        with suppress(OSError, ValueError, yaml.YAMLError):
            asked = yaml_text.read(request.read_text(encoding="utf-8")) or {}
            paths += [asked.get("data"), asked.get("general")]
    return {_key(PurePath(path)) for path in paths if isinstance(path, str)}


def is_named(file: Path, run: Run) -> bool:
    """True if ``run`` reads ``file``."""
    return _key(file) in named(run)


def opened(file: Path) -> None:
    """Note that ``file`` is used now."""
    with suppress(OSError):
        if time.time() - last_used(file) > SELDOM_S:
            (file.parent / OPENED).touch()


def last_used(file: Path) -> float:
    """When ``file`` was brought or read last, in Unix seconds."""
    note = file.parent / OPENED
    return max(each.stat().st_mtime for each in (file, note) if each.exists() or each is file)


def remove(file: Path) -> None:
    """Delete ``file`` with what is noted of it. It is gone at once: a crash in between leaves no half of it."""
    folder = file.parent
    trash = folder.parent / f".{uuid.uuid4().hex}"
    file.rename(trash)
    trash.unlink()
    clear(folder)


def clear(folder: Path) -> None:
    """Remove the ``folder`` of an upload if no file is left in it but notes."""
    if not list(_shown(folder)):
        shutil.rmtree(folder, ignore_errors=True)


def folders(folder: Path) -> Iterator[Path]:
    """The folder of each upload."""
    return (each for each in folder.glob("*") if FOLDER.fullmatch(each.name) and each.is_dir())


def _files(folder: Path) -> Iterator[Path]:
    for each in folders(folder):
        yield from _shown(each)


def _shown(folder: Path) -> Iterator[Path]:
    """The files that people brought; ``owners`` and ``OPENED`` are none."""
    return (file for file in folder.glob("*") if file.name not in (owners.FOLDER, OPENED) and file.is_file())


def _key(path: PurePath) -> tuple[str, ...]:
    return path.parts[-2:]

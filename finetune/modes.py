"""Who may read what the program writes: on the workspace nobody but its own account, elsewhere whom the person lets.

Only an entry point (``app``, ``python -m finetune``) changes how this process and its children make files. A program
that uses the package as a library keeps its own way.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = 0o700
"""The mode of a folder that only the account of this program enters."""
UMASK = 0o077
"""Takes every right from others, and nothing from the owner."""

_given: list[int] = []
"""The umask of the person's shell, once this process has one of its own."""


def keep_to_this_account() -> None:
    """From now on only this account can open what this process and its children make."""
    _given[:] = [os.umask(UMASK)]


@contextmanager
def elsewhere(folder: Path) -> Iterator[None]:
    """Folders that are made inside on the way to ``folder``, outside the workspace, are as a person would make them."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    yield
    for each in filter(Path.exists, missing):
        give(each)


def give(path: Path) -> None:
    """Give ``path``, outside the workspace, and all in it the modes that new files of the person's shell have."""
    if not _given:
        return
    for each in [path, *path.rglob("*")]:
        if not each.is_symlink():
            each.chmod((0o777 if each.is_dir() else 0o666) & ~_given[0])


def close(*folders: Path) -> None:
    """Let nobody else enter ``folders``, if this account may say so; links and shared folders stay as they are."""
    for folder in folders:
        with suppress(OSError):
            if folder.is_dir() and not folder.is_symlink() and not folder.stat().st_mode & 0o1000:
                folder.chmod(FOLDER)

"""A folder that is there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.errors import RunError


def require_free(folder: Path) -> Path:
    """``folder``; ``RunError`` if something is there already."""
    if folder.exists():
        raise RunError(f"{folder} already exists.", "Choose another folder, or remove it.")
    return folder


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A path beside ``folder`` to write to, which gets its name in the end; on any error nothing of it is left.

    Nothing is there yet but the folder above it. ``RunError`` if ``folder`` is there already.
    """
    require_free(folder)
    staging = folder.with_name(f".{folder.name}.{os.getpid()}")
    staging.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield staging
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)

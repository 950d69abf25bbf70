"""The janitor: removes what nobody needs any more from the workspace, at the start of a server and every few minutes.

At once what is unfinished and nobody's: parts of uploads that broke off, copies on their way to a browser, the
remains of deleted runs. Uploads stay as long as there is room; then those go that no run names and nobody has used for
a month, the oldest first.
"""

import logging
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from finetune.errors import RunError
from finetune.runs.workspace import Workspace

EVERY_S = 300.0
PART_S = 600.0
"""A part of an upload to which nothing was added for so long broke off."""
CACHE_S = 3600.0
"""What a browser sent or may fetch stays so long: a page may be left open before its button is pressed."""
UNUSED_S = 30 * 86_400.0
"""Uploads that were used within this time stay, however little room there is."""
FLOOR_BYTES = 2 * 2**30
"""With less free on the disk, there is no room for old uploads."""
BUDGET_BYTES = 20 * 2**30
"""With more uploads in all, there is no room for old ones either."""

log = logging.getLogger(__name__)


def begin(workspace: Workspace) -> threading.Thread:
    """Tidy ``workspace`` now and then for as long as this process lives; the thread that does it."""

    def serve() -> None:
        while True:
            try:
                tidy(workspace)
            except Exception:
                log.exception("The workspace could not be tidied; it is tried again.")
            time.sleep(EVERY_S)

    thread = threading.Thread(target=serve, name="janitor", daemon=True)
    thread.start()
    return thread


def tidy(workspace: Workspace) -> None:
    """Remove from ``workspace`` what nobody needs any more."""
    workspace.prune()
    clear_cache(workspace.cache_dir)
    make_room(workspace)


def clear_cache(folder: Path) -> None:
    """Remove from ``folder`` the parts of uploads that broke off, and what is older than ``CACHE_S``."""
    now = time.time()
    for path in folder.glob("*"):
        with suppress(OSError):
            age_s = now - max(each.lstat().st_mtime for each in _all(path))
            if path.is_dir() and not path.is_symlink():
                if age_s > CACHE_S:
                    shutil.rmtree(path, ignore_errors=True)
            elif age_s > (PART_S if path.name.startswith("tmp") else CACHE_S):
                path.unlink()


def make_room(workspace: Workspace) -> list[str]:
    """Delete old uploads while there is too little room; the paths of those deleted."""
    found, deleted = workspace.uploads(), []
    total = sum(each.size_bytes for each in found)
    for each in reversed(found):
        free = shutil.disk_usage(workspace.uploads_dir).free
        if (free >= FLOOR_BYTES and total <= BUDGET_BYTES) or time.time() - each.used_at < UNUSED_S:
            break
        if each.runs:
            continue
        with suppress(RunError, OSError):
            workspace.discard(each.path)
            total -= each.size_bytes
            deleted.append(each.path)
    if deleted:
        log.warning("Room was needed: %d uploads were deleted that no run names and nobody used.", len(deleted))
    return deleted


def _all(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        yield from path.rglob("*")

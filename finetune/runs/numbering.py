"""The numbers of runs. None is given twice, not even that of a deleted folder: its trainer may still be at work."""

import re
from pathlib import Path

from filelock import FileLock

LAST = ".last-number"


def new_folder(runs_dir: Path, name: str) -> Path:
    """A new folder ``NNN-name`` in ``runs_dir`` with the next number."""
    with FileLock(runs_dir / ".numbering", is_singleton=False):
        number = max([_last(runs_dir), *(number_of(path.name) for path in runs_dir.iterdir())]) + 1
        (runs_dir / LAST).write_text(str(number), encoding="utf-8")
        path = runs_dir / f"{number:03d}-{name}"
        path.mkdir()
    return path


def number_of(name: str) -> int:
    """The number at the start of the folder's ``name``; 0 if it is that of no run."""
    match = re.match(r"\d+", name)
    return int(match.group()) if match else 0


def _last(runs_dir: Path) -> int:
    """The number that was given last; 0 if nothing says so."""
    try:
        return int((runs_dir / LAST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0

"""The folders of runs. No number is given twice, not even that of a deleted one: its trainer may still be at work."""

import re
import unicodedata
from pathlib import Path

from filelock import FileLock

LAST = ".last-number"


def new_folder(runs_dir: Path, name: str) -> Path:
    """A new folder in ``runs_dir``: ``NNN-`` with the next number, and the run's ``name`` as a ``slug``."""
    with FileLock(runs_dir / ".numbering", is_singleton=False):
        number = max([_last(runs_dir), *(number_of(path.name) for path in runs_dir.iterdir())]) + 1
        (runs_dir / LAST).write_text(str(number), encoding="utf-8")
        path = runs_dir / f"{number:03d}-{slug(name)}"
        path.mkdir()
    return path


def number_of(name: str) -> int:
    """The number at the start of the folder's ``name``; 0 if it is that of no run."""
    match = re.match(r"\d+", name)
    return int(match.group()) if match else 0


def slug(name: str) -> str:
    """``name`` as a short part of a folder name: lower-case letters and digits, joined by dashes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "run"


def _last(runs_dir: Path) -> int:
    """The number that was given last; 0 if nothing says so."""
    try:
        return int((runs_dir / LAST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0

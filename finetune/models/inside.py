"""A model's folder on this machine: files that are files, and links that lead nowhere else."""

import os
import stat
from pathlib import Path

from finetune.errors import ModelError

MOST_FILES = 10_000


def require_inside(folder: Path, name: str) -> None:
    """``ModelError`` if something in the ``folder`` of the model ``name`` is no file, or leads out of it.

    In the cache of the Hub's client the files of a version are links to those of all versions, one folder above.
    """
    folder = folder.resolve()
    allowed = [folder, folder.parent.parent / "blobs"] if folder.parent.name == "snapshots" else [folder]
    count = 0
    for parent, folders, files in os.walk(folder):
        for entry in (*folders, *files):
            path = Path(parent) / entry
            count += 1
            if count > MOST_FILES:
                raise ModelError(f"The folder of the model {name} has more than {MOST_FILES:,} files.", "Clear it.")
            try:
                target = path.resolve(strict=True)
                kind = target.stat().st_mode
            except (OSError, RuntimeError):
                raise ModelError(f"{entry} of the model {name} is a link to nothing.", "Copy the file there.") from None
            if not any(target.is_relative_to(root) for root in allowed):
                raise ModelError(
                    f"{entry} of the model {name} is a link out of its folder.", "Copy the file itself into the folder."
                )
            if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                raise ModelError(f"{entry} of the model {name} is no file.", "Copy the model anew.")

"""The tuned model as it was saved, with its model card and the recipe, in one zip.

Checkpoints and optimizer state are left out: they only serve to resume the run here.
"""

import os
import zipfile
from pathlib import Path
from typing import ClassVar

from finetune.exports.card import card, reach
from finetune.exports.target import Exported, Target
from finetune.models.loading import require_model
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

OLDEST = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the zip, so that equal runs give equal bytes."""


class Adapter(Target):
    """The model folder of a run: an adapter, or all weights where all were trained."""

    name: ClassVar[str] = "adapter"
    order: ClassVar[int] = 10
    words: ClassVar[str] = "the adapter as a zip"
    button: ClassVar[str] = "Download"

    def write(self, run: Run, workspace: Workspace, to: Path) -> Exported:
        """A new ``RUN.zip``; ``RunError`` if the run has no model."""
        require_model(run)
        to = Path(to)
        to.mkdir(parents=True, exist_ok=True)
        target, unfinished = to / f"{run.id}.zip", to / f".{run.id}.zip.{os.getpid()}"
        try:
            with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
                _write(archive, "README.md", card(run).encode())
                _write(archive, "recipe.yaml", run.recipe.to_yaml().encode())
                for file in sorted(
                    path for path in run.model_dir.rglob("*") if path.is_file() and path.name != "README.md"
                ):
                    _write(archive, f"model/{file.relative_to(run.model_dir).as_posix()}", file)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        return Exported(target, reach(run))


def _write(archive: zipfile.ZipFile, name: str, content: bytes | Path) -> None:
    entry = zipfile.ZipInfo(name, OLDEST)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    if isinstance(content, bytes):
        archive.writestr(entry, content)
        return
    entry.file_size = content.stat().st_size
    with content.open("rb") as source, archive.open(entry, "w") as target:
        while block := source.read(2**20):
            target.write(block)

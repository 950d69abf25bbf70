"""The tuned model as it was saved, with its model card and the recipe, in one zip.

Checkpoints and optimizer state are left out: they only serve to resume the run here.
"""

import os
import shlex
import tempfile
import zipfile
from pathlib import Path
from typing import ClassVar

from finetune.exports.card import card, reach
from finetune.exports.plain import Plain, of_adapter, of_folder
from finetune.exports.steps import asking, loading, serving
from finetune.exports.target import Exported, Step, Target, Work
from finetune.models.loading import require_model
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.settings import Settings

OLDEST = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the zip, so that equal runs give equal bytes."""


class Adapter(Target):
    """The model folder of a run: an adapter, or all weights where all were trained."""

    name: ClassVar[str] = "adapter"
    order: ClassVar[int] = 10
    words: ClassVar[str] = "the adapter as a zip"
    title: ClassVar[str] = "Adapter"
    purpose: ClassVar[str] = "Only what was trained, in a small file: for people who have the base model."
    is_quick: ClassVar[bool] = True

    def require(self, run: Run) -> None:
        """``RunError`` if the run has no model."""
        require_model(run)

    def write(
        self, run: Run, workspace: Workspace, to: Path, options: Settings | None = None, work: Work = Work()
    ) -> Exported:
        """A new ``RUN.zip``; ``RunError`` if the run has no model."""
        self.require(run)
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

    def reader(self, run: Run, workspace: Workspace, path: Path) -> Plain:
        """The zip unpacked, beside the base; or the whole model in it, where all weights were trained."""
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
            model = Path(folder) / "model"
            return of_folder(run, model) if run.as_trained.adapter.trains_base() else of_adapter(run, workspace, model)

    def steps(self, run: Run, exported: Exported) -> list[Step]:
        """Load it, serve it, or ask the run itself."""
        model = exported.path.parent / run.id / "model"
        unzip = f"unzip {shlex.quote(str(exported.path))} -d {shlex.quote(str(model.parent))}"
        return [Step("Unpack it", unzip), loading(run), serving(run, model), asking(run)]


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

"""The layouts of a run in a repository of the Hub: the files at its top, the model card, the recipe.

To add one: a subclass of ``Layout`` in ``LAYOUTS``. The option of the target, its page and its help follow.
"""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from finetune.evaluation.shared_recipe import shared
from finetune.exports.card import card, reach
from finetune.exports.front_matter import Form as CardForm
from finetune.exports.gguf import LEEWAY, Gguf
from finetune.exports.merged import Merged
from finetune.exports.parity import Reader
from finetune.exports.plain import of_adapter, of_folder
from finetune.exports.target import OF_ROUNDING, Step, Target, Work
from finetune.models.loading import require_model
from finetune.models.usage import usage
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

CARD, RECIPE = "README.md", "recipe.yaml"
MERGING = 0.3
"""The share of the work that merging is."""


class Layout(ABC):
    """How a run lies in a repository."""

    name: ClassVar[str]
    """What the option calls it."""
    merges: ClassVar[bool] = False
    """True if an adapter is merged into the base as it was before quantization."""
    share: ClassVar[float] = 0.0
    """The share of the whole work that is done once the folder is written."""

    leeway: ClassVar[float] = OF_ROUNDING
    """Of the parity check, as ``Target.leeway``."""

    @abstractmethod
    def require(self, run: Run) -> None:
        """``RunError`` if ``run`` cannot lie so."""

    @abstractmethod
    def is_in(self, folder: Path) -> bool:
        """True if ``folder`` has this layout."""

    @abstractmethod
    def lay(self, run: Run, workspace: Workspace, folder: Path, repo: str, work: Work) -> str:
        """Write the new folder ``folder``, as it will be in ``repo``; how it was made, as a sentence or none."""

    @abstractmethod
    def reader(self, run: Run, workspace: Workspace, folder: Path) -> Reader:
        """The folder, opened by other code than that which wrote it."""

    def steps(self, run: Run, repo: str) -> list[Step]:
        """What can be done with what lies in ``repo``."""
        return [
            Step("Load it in Python", f"python - <<'PYTHON'\n{usage(run, self.merges, repo)}\nPYTHON"),
            Step("Download it", f"hf download {repo}"),
        ]


class AsAdapter(Layout):
    """The model folder as it was saved: an adapter, or all weights where all were trained."""

    name: ClassVar[str] = "adapter"

    def require(self, run: Run) -> None:
        """``RunError`` if ``run`` has no model."""
        require_model(run)

    def is_in(self, folder: Path) -> bool:
        """True if it has the configuration of an adapter."""
        return (folder / "adapter_config.json").is_file()

    def lay(self, run: Run, workspace: Workspace, folder: Path, repo: str, work: Work) -> str:
        """The files of the model, the card and the recipe."""
        shutil.copytree(run.model_dir, folder)
        put_beside(run, folder, card(run, repo=repo))
        return reach(run)

    def reader(self, run: Run, workspace: Workspace, folder: Path) -> Reader:
        """The adapter beside its base, or the whole model."""
        return of_folder(run, folder) if run.as_trained.adapter.trains_base() else of_adapter(run, workspace, folder)


class AsMerged(Layout):
    """One whole model."""

    name: ClassVar[str] = "merged"
    merges: ClassVar[bool] = True
    share: ClassVar[float] = MERGING

    def require(self, run: Run) -> None:
        """``RunError`` if the adapter of ``run`` cannot be merged."""
        Merged().require(run)

    def is_in(self, folder: Path) -> bool:
        """True if it has the configuration of a model."""
        return (folder / "config.json").is_file()

    def lay(self, run: Run, workspace: Workspace, folder: Path, repo: str, work: Work) -> str:
        """What the export ``merged`` writes, with the card of the repository."""
        note = _moved(Merged(), run, workspace, folder, work)
        put_beside(run, folder, card(run, merged=note, repo=repo))
        return note

    def reader(self, run: Run, workspace: Workspace, folder: Path) -> Reader:
        """The folder, as any program with Transformers opens it."""
        return of_folder(run, folder)


class AsGguf(Layout):
    """One GGUF file, with the Modelfile beside it."""

    name: ClassVar[str] = "gguf"
    merges: ClassVar[bool] = True
    share: ClassVar[float] = 0.5
    leeway: ClassVar[float] = LEEWAY["q8_0"]

    def require(self, run: Run) -> None:
        """``RunError`` if llama.cpp has no place for ``run``."""
        Gguf().require(run)

    def is_in(self, folder: Path) -> bool:
        """True if it has a GGUF file."""
        return any(folder.glob("*.gguf"))

    def lay(self, run: Run, workspace: Workspace, folder: Path, repo: str, work: Work) -> str:
        """What the export ``gguf`` writes in ``q8_0``, with the card of the repository."""
        note = _moved(Gguf(), run, workspace, folder, work)
        form = CardForm("gguf", ("gguf",), "quantized", "sh", _ollama(repo))
        put_beside(run, folder, card(run, note, form=form))
        return note

    def reader(self, run: Run, workspace: Workspace, folder: Path) -> Reader:
        """The file, in llama.cpp or Transformers."""
        return Gguf().reader(run, workspace, folder)

    def steps(self, run: Run, repo: str) -> list[Step]:
        """Ollama and llama.cpp fetch it by its name."""
        return [
            Step("Run it with Ollama", _ollama(repo)),
            Step("Serve it with llama.cpp", f"llama-server -hf {repo}"),
            Step("Download it", f"hf download {repo}"),
        ]


def _ollama(repo: str) -> str:
    return f"ollama run hf.co/{repo}"


LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in (AsAdapter(), AsMerged(), AsGguf())}


def _moved(target: Target, run: Run, workspace: Workspace, folder: Path, work: Work) -> str:
    """Have ``target`` write its folder, and call that ``folder``; the note of the export."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder.parent) as beside:
        found = target.write(run, workspace, Path(beside), None, work)
        found.path.rename(folder)
    return found.note


def put_beside(run: Run, folder: Path, text: str) -> None:
    """Write the card ``text`` and the recipe into ``folder``."""
    (folder / CARD).write_text(text, encoding="utf-8")
    (folder / RECIPE).write_text(shared(run.recipe).to_yaml(), encoding="utf-8")


def texts_in(recipe: Recipe) -> list[str]:
    """The settings of ``recipe`` that hold sentences, which somebody wrote: ``data.system``, say."""
    return list(dict.fromkeys(_sentences(recipe.to_dict(), "")))


def _sentences(value: object, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _sentences(each, f"{where}.{name}".lstrip("."))
    elif isinstance(value, list):
        for each in value:
            yield from _sentences(each, where)
    elif isinstance(value, str) and where != "name" and len(value.split()) > 2:
        yield where

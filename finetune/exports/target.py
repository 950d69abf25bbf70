"""What an export target is: one form in which a run leaves the program."""

from pathlib import Path
from typing import ClassVar, NamedTuple

from finetune.runs.run import Run
from finetune.runs.workspace import Workspace


class Exported(NamedTuple):
    """What was written."""

    path: Path
    note: str = ""
    """How it was made, as a sentence, where that matters to who uses it."""


class Target:
    """The base of all export targets; a subclass is one file in ``finetune/exports/``."""

    name: ClassVar[str]
    """What ``export --as`` calls it."""
    order: ClassVar[int] = 100
    words: ClassVar[str]
    """What is written, as a noun phrase: ``the adapter as a zip``."""
    button: ClassVar[str] = ""
    """The label of its button on the Train tab, where it is one file that a browser can download; else empty."""

    def write(self, run: Run, workspace: Workspace, to: Path) -> Exported:
        """Write ``run`` into the folder ``to``; ``RunError`` if it cannot be exported so, or if it has been already."""
        raise NotImplementedError

"""What an export target is: one form in which a run leaves the program."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple

from finetune.exports.reader import Reader
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.settings import Settings

OF_ROUNDING = 1.5
"""Leeway of the parity check for weights of 16 bits and more."""


class Exported(NamedTuple):
    """What was written."""

    path: Path
    """The file or the folder."""
    note: str = ""
    """How it was made, as a sentence, where that matters to who uses it."""
    address: str = ""
    """Where it is now, for one that was sent away: an address of the web."""


@dataclass(frozen=True)
class Work:
    """What whoever has something written gives to it."""

    report: Callable[[str, float], None] = lambda what, share: None
    """Told what is done now, as a noun phrase, and the share of it that is done, 0 to 1."""
    stopped: Callable[[], bool] = lambda: False
    """True once it should end."""
    token: str | None = field(default=None, repr=False)
    """The access token of the person who asks, on a Space; None for that of the machine."""


class Step(NamedTuple):
    """What to do next with what was written."""

    title: str
    """E.g. ``Load it with vLLM``."""
    commands: str
    """Lines of shell; a path of what was written is whole."""


class Target:
    """The base of all export targets; a subclass is one file in ``finetune/exports/``."""

    name: ClassVar[str]
    """What ``export --as`` calls it."""
    order: ClassVar[int] = 100
    words: ClassVar[str]
    """What is written, as a noun phrase: ``the adapter as a zip``."""
    title: ClassVar[str]
    """What the page calls it: ``Adapter``."""
    purpose: ClassVar[str]
    """What it is for, in a sentence that a manager understands."""
    options: ClassVar[type[Settings]] = Settings
    """What can be chosen."""
    is_quick: ClassVar[bool] = False
    """True if it is written in seconds, beside a training too."""
    leaves: ClassVar[bool] = False
    """True if what it writes leaves this machine."""
    answers: ClassVar[bool] = True
    """True if what it writes is a model that answers, which the parity check asks."""
    merges: ClassVar[bool] = False
    """True if an adapter is merged into the base as it was before quantization."""

    def require(self, run: Run) -> None:
        """``RunError`` if ``run`` cannot leave so. It reads a few small files, no weights."""

    def write(
        self, run: Run, workspace: Workspace, to: Path, options: Settings | None = None, work: Work = Work()
    ) -> Exported:
        """Write ``run`` into the folder ``to``; ``RunError`` if it cannot be exported so, or if it has been already.

        ``options`` is one of ``self.options``; None for its defaults.
        """
        raise NotImplementedError

    def reader(self, run: Run, workspace: Workspace, path: Path) -> Reader:
        """What was written to ``path``, opened afresh and by other code than that which wrote it.

        ``ModelError`` or ``RunError`` if it cannot be opened. Only asked where it ``answers``.
        """
        raise NotImplementedError

    def merged(self, options: Settings) -> bool:
        """True if what is written by ``options`` has an adapter merged into the base as it was before quantization."""
        return self.merges

    def leeway(self, run: Run, options: Settings) -> float:
        """How many times more likely a token may have been to the run, where what was written chose another one."""
        return OF_ROUNDING

    def steps(self, run: Run, exported: Exported) -> list[Step]:
        """What can be done with what was written, the usual first."""
        return []

"""Errors that a person can fix, and the problems that are reported together.

    FinetuneError               message: what is wrong with which value; hint: what to do
    ├── RecipeError(ValueError)     a recipe that cannot be run
    ├── DataError(ValueError)       a file or rows that cannot be read as training data
    ├── ModelError(RuntimeError)    a model that cannot be loaded or used
    │   └── UnreachableError            a model of the Hub, which does not answer
    ├── RunError(RuntimeError)      a run that does not exist, or is in the wrong state
    │   └── GoneError                   a run whose folder was deleted while it was in use
    ├── DivergedError(ArithmeticError)  a loss that is no longer a number
    ├── DiskError(RuntimeError)     a disk that is full
    ├── BusyError(RuntimeError)     something only one may hold is held by another
    ├── SettingError(ValueError)    an option of the program that cannot be used
    └── RightsError(PermissionError)  something that this person may not do

Everything else that is raised is a bug, not a message: the two process edges log it with its traceback.
"""

import logging
from dataclasses import dataclass

from finetune.redaction import redacted, without_folders

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, collected so that all of them are reported at once."""

    where: str
    """The setting, column or row it concerns, e.g. ``training.length`` or ``row 17, column output``."""
    message: str
    """What is wrong, as a sentence."""
    hint: str = ""
    """How to fix it, as a sentence; empty if the message says it."""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} {self.hint}".rstrip()


class FinetuneError(Exception):
    """What is wrong (``message``) and what a person can do about it (``hint``)."""

    def __init__(self, message: str, hint: str = "", problems: tuple[Problem, ...] = ()):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = tuple(problems)

    def __str__(self) -> str:
        lines = [f"{self.message} {self.hint}".rstrip(), *(f"- {problem}" for problem in self.problems)]
        return "\n".join(lines)


class RecipeError(FinetuneError, ValueError):
    """A recipe that cannot be run."""


class DataError(FinetuneError, ValueError):
    """A file, or rows in it, that cannot be read as training data."""

    fix: str = ""
    """The type of the fix of the rows that solves it, if there is one (``finetune/data/fixes``)."""


class ModelError(FinetuneError, RuntimeError):
    """A model that cannot be loaded or used."""


class UnreachableError(ModelError):
    """A model on the Hub, which does not answer: nothing is known against the model."""


class RunError(FinetuneError, RuntimeError):
    """A run that does not exist, or is in the wrong state."""


class BusyError(FinetuneError, RuntimeError):
    """Something that only one may hold (the device, a run) is held by another."""


class DiskError(FinetuneError, RuntimeError):
    """The disk is full."""


class GoneError(RunError):
    """A run whose folder was deleted while it was in use."""


class DivergedError(FinetuneError, ArithmeticError):
    """The loss of a run is no longer a number."""


def first_sentence(error: BaseException, most: int = 200) -> str:
    """The first line of an error of a library, at most so many characters of it; its class if it says nothing.

    It names no folder of this machine and no secret; the whole of it is in the log of the program.
    """
    log.info("A library could not do it:", exc_info=error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    text = without_folders(redacted(text))
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


class SettingError(FinetuneError, ValueError):
    """An option of the program, or what the environment says, that cannot be used."""


class RightsError(FinetuneError, PermissionError):
    """Something that this person may not do."""

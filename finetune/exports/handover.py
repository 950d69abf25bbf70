"""Where a handover stands: a folder in the run directory, ``exports/TARGET``, that outlives whoever works on it.

request.json   what was asked for
files/         what was written; while that is going on, it grows in unfinished/
written.json   what that is, and how it was made
parity.json    whether it answers as the run does
and the files of every job (finetune.runs.job)
"""

import shutil
import time
from pathlib import Path

from pydantic import ValidationError

from finetune.errors import RecipeError
from finetune.exports import parity
from finetune.exports.parity import Parity
from finetune.exports.target import Exported, Target, Work
from finetune.runs.job import Job
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.settings import Settings, problems_of


class Request(Settings):
    """What was asked for."""

    options: dict = {}
    """The target's options."""
    check: bool = True
    """True if the parity check is to be made."""


class Written(Settings):
    """What was written."""

    path: str
    """Below ``files``."""
    note: str = ""
    address: str = ""
    options: dict = {}
    seconds: float = 0.0
    """How long it took."""
    at: float = 0.0
    """When it was done, in seconds since 1970."""


class Handover(Job):
    """One export of a run by the page: asked for, written, and checked."""

    asked = "request.json"

    def __init__(self, run: Run, target: Target):
        super().__init__(run, run.path / "exports" / target.name)
        self.target = target

    @property
    def files(self) -> Path:
        """The folder of what was written."""
        return self.folder / "files"

    def ask(self, options: Settings | None = None, check: bool = True) -> "Handover":
        """Note down the request; ``RunError`` if the run cannot leave so."""
        self.target.require(self.run)
        given = options.model_dump(mode="json", exclude_defaults=True) if options else {}
        self.request_anew(Request(options=given, check=check).model_dump_json())
        return self

    @property
    def request(self) -> Request | None:
        """What was asked for and is not done yet; None if nothing is."""
        found = self.json(self.asked)
        return Request.model_validate(found) if found else None

    @property
    def written(self) -> Written | None:
        """What was written; None if nothing is there."""
        found = self.json("written.json")
        return Written.model_validate(found) if found else None

    @property
    def exported(self) -> Exported | None:
        """The same, as the target gave it."""
        found = self.written
        return found and Exported(self.files / found.path, found.note, found.address)

    @property
    def parity(self) -> Parity | None:
        """What the parity check found; None if it was not made."""
        found = self.json("parity.json")
        return Parity.model_validate(found) if found else None

    def put(self, workspace: Workspace, work: Work) -> None:
        """Write what is asked for; what an earlier request had written goes once that has succeeded."""
        request, began = self.request or Request(), time.monotonic()
        options = options_of(self.target, request.options)
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            found = self.target.write(self.run, workspace, unfinished, options, work)
        except Exception:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        for name in ("written.json", "parity.json"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.files, ignore_errors=True)
        unfinished.rename(self.files)
        written = Written(
            path=found.path.relative_to(unfinished).as_posix(),
            note=found.note,
            address=found.address,
            options=request.options,
            seconds=time.monotonic() - began,
            at=time.time(),
        )
        self.write("written.json", written.model_dump_json(indent=1))

    def check(self, workspace: Workspace) -> None:
        """Make the parity check of what was written."""
        options = options_of(self.target, self.written.options)
        if found := parity.check(self.target, self.run, workspace, self.exported.path, options):
            self.write("parity.json", found.model_dump_json(indent=1))


def options_of(target: Target, given: dict) -> Settings:
    """The options of ``target`` as ``given``; a ``RecipeError`` names what is wrong with them."""
    try:
        return target.options.model_validate(given)
    except ValidationError as error:
        raise RecipeError(f"{target.title}: an option needs attention.", problems=tuple(problems_of(error))) from None

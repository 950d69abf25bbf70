"""A job on a run: a folder in the run directory that outlives whoever works on it.

progress.json   how far it is, while someone works on it
failed.json     why nothing came of it
tries           how often it was begun, while someone works on it
"""

import json
import shutil
from pathlib import Path

from finetune.errors import FinetuneError
from finetune.runs.run import Run
from finetune.runs.tries import Tries


class Stopped(Exception):
    """A job was asked to end before it was done: it stays asked for."""


class Job:
    """The base of what is asked of a run and done later: its request stands in ``folder`` until it is done."""

    asked: str = "request.yaml"
    """The file that says what was asked for, there until it is done."""

    def __init__(self, run: Run, folder: Path):
        self.run = run
        self.folder = folder

    @property
    def tries(self) -> Tries:
        """How often it was begun."""
        return Tries(self.folder / "tries")

    @property
    def is_asked(self) -> bool:
        """True while it is asked for and not done."""
        return (self.folder / self.asked).is_file()

    @property
    def failure(self) -> tuple[str, str]:
        """Message and hint if the last request failed; empty if not."""
        found = self.json("failed.json")
        return found.get("message", ""), found.get("hint", "")

    @property
    def progress(self) -> tuple[str, float]:
        """What is done now, as a noun phrase, and its share, 0 to 1; empty while nobody works on it."""
        found = self.json("progress.json")
        return found.get("what", ""), found.get("share", 0.0)

    def report(self, what: str, share: float) -> None:
        """Say how far it is."""
        self.write("progress.json", json.dumps({"what": what, "share": share}))

    def request_anew(self, text: str) -> None:
        """Note down a request as ``text``; what an earlier one brought stays until this one has brought something."""
        with self.run.here():
            self.folder.parent.mkdir(exist_ok=True)
            self.folder.mkdir(exist_ok=True)
        (self.folder / "failed.json").unlink(missing_ok=True)
        self.tries.forget()
        self.write(self.asked, text)

    def fail(self, error: FinetuneError) -> None:
        """Write why nothing came of it."""
        self.write("failed.json", json.dumps({"message": error.message, "hint": error.hint}))
        self.close()

    def close(self) -> None:
        """Take the request away: it is done."""
        for name in ("progress.json", self.asked):
            (self.folder / name).unlink(missing_ok=True)

    def delete(self) -> None:
        """Remove the job with all that it brought."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name: str, text: str) -> None:
        """Write a file of the folder, whole or not at all; ``GoneError`` if the run was deleted."""
        unfinished = self.folder / f".{name}"
        with self.run.here():
            unfinished.write_text(text, encoding="utf-8", errors="replace")
            unfinished.replace(self.folder / name)

    def json(self, name: str) -> dict:
        """The JSON object in a file of the folder; an empty one if there is none."""
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

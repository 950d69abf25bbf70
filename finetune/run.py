"""A run is one directory, and everything anyone knows of it is in there.

    recipe.yaml     what was asked for
    events.jsonl    what happened, append-only (finetune.events)
    cancel          exists once someone asked it to stop
    lock            held, as an OS file lock, by the process that works on it
    checkpoints/    enough to go on
    model/          the tuned model or adapter

The trainer writes, everyone else reads. A reader never sees half a line, and a run that says it is at work
while nobody holds its lock is interrupted.
"""

import os
import re
import threading
import unicodedata
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from finetune.errors import BusyError, RunError
from finetune.events import Ended, Event, Queued, Saved, Started, parse
from finetune.recipe import Recipe
from finetune.view import ACTIVE, View

DURABLE = (Queued, Started, Saved, Ended)
"""Events that are on the disk before ``emit`` returns; the others are flushed and may be lost with the power."""


class Run:
    """One run directory, readable by anyone and written by the holder of its lock."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self._writing = threading.Lock()

    @classmethod
    def create(cls, runs_dir: Path, recipe: Recipe) -> "Run":
        """A new directory ``NNN-name`` with the recipe and a ``Queued`` event."""
        with FileLock(runs_dir / ".numbering", is_singleton=False):
            number = max((Run(path).number for path in runs_dir.iterdir()), default=0) + 1
            path = runs_dir / f"{number:03d}-{slug(recipe.name)}"
            path.mkdir()
        run = cls(path)
        run.emit(Queued(name=recipe.name))
        temporary = path / ".recipe.yaml"
        temporary.write_text(recipe.to_yaml(full=True), encoding="utf-8")
        temporary.rename(path / "recipe.yaml")
        return run

    def __repr__(self) -> str:
        return f"Run({self.id!r})"

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def number(self) -> int:
        """The number its id begins with; 0 for a folder that is no run."""
        match = re.match(r"\d+", self.id)
        return int(match.group()) if match else 0

    @property
    def recipe(self) -> Recipe:
        return Recipe.load(self.path / "recipe.yaml")

    @property
    def model_dir(self) -> Path:
        """Where the tuned model or adapter is saved."""
        return self.path / "model"

    @property
    def checkpoints_dir(self) -> Path:
        return self.path / "checkpoints"

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    def emit(self, event: Event) -> None:
        """Append ``event``; a line torn by an earlier crash is closed first, so this one stands alone."""
        with self._writing, open(self.events_path, "ab+") as file:
            if file.tell() and not _ends_with_newline(file):
                file.write(b"\n")
            file.write(event.to_line().encode("utf-8", "surrogatepass") + b"\n")
            file.flush()
            if isinstance(event, DURABLE):
                os.fsync(file.fileno())

    def events(self, offset: int = 0) -> tuple[list[Event], int]:
        """The whole events after byte ``offset``, and the offset to go on from; damaged lines are passed over."""
        try:
            with open(self.events_path, "rb") as file:
                file.seek(offset)
                block = file.read()
        except FileNotFoundError:
            return [], offset
        whole = block[: block.rfind(b"\n") + 1]
        lines = whole.decode("utf-8", "replace").split("\n")
        return [event for line in lines if line and (event := parse(line))], offset + len(whole)

    def view(self) -> View:
        """What is known of the run now."""
        return Follower(self).poll()

    def cancel(self) -> None:
        """Ask the run to stop and keep the model so far; a finished run raises ``RunError``."""
        if self.view().state in ("done", "stopped", "failed", "interrupted"):
            raise RunError(f"Run {self.id} is not running.", "There is nothing to stop.")
        (self.path / "cancel").touch()

    @property
    def cancelled(self) -> bool:
        return (self.path / "cancel").exists()

    @contextmanager
    def held(self):
        """Hold the run's lock; ``BusyError`` if another process or thread works on it."""
        lock = FileLock(self.path / "lock", thread_local=False, is_singleton=False)
        try:
            lock.acquire(timeout=2)
        except Timeout:
            raise BusyError(f"Run {self.id} is being worked on already.", "Watch it on the Train tab.") from None
        try:
            yield self
        finally:
            lock.release()

    @property
    def is_held(self) -> bool:
        """True while some process works on the run."""
        lock = FileLock(self.path / "lock", thread_local=False, is_singleton=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False


class Follower:
    """Reads a run's events once each, however often it is asked."""

    def __init__(self, run: Run):
        self.run = run
        self._view = View()
        self._offset = 0
        self._folding = threading.Lock()

    def poll(self) -> View:
        """The run's view now; the same object as before, brought up to date."""
        with self._folding:
            events, self._offset = self.run.events(self._offset)
            for event in events:
                self._view.add(event)
            if self._view.state in ACTIVE:
                self._view.state = self._active_state()
            return self._view

    def _active_state(self) -> str:
        if not self.run.is_held:
            events, _ = self.run.events(self._offset)
            return self._view.state if events else "interrupted"
        if self.run.cancelled:
            return "stopping"
        return "preparing" if self._view.phase in ("", "loading", "tokenising") else "running"


def slug(name: str) -> str:
    """``name`` as a short part of a folder name: lower case, letters and digits, dashes between."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "run"


def _ends_with_newline(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"

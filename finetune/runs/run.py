"""A run is one directory, and everything anyone knows of it is in there.

    recipe.yaml     what was asked for
    events.jsonl    what happened, append-only (finetune.runs.events)
    asked           what someone asked of it: to stop, to pause, or to make way for the end of the program
    left            there once someone has seen that it was interrupted, and left it so
    lock            held, as an OS file lock, by the process that works on it
    checkpoints/    enough to go on
    model/          the tuned model or adapter

The trainer writes, everyone else reads. A reader never sees half a line, and a run that says it is at work
while nobody holds its lock is interrupted.
"""

import errno
import os
import re
import threading
import unicodedata
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from finetune.errors import BusyError, RunError
from finetune.recipe import Recipe
from finetune.runs.checkpoints import Checkpoints
from finetune.runs.events import Ended, Event, FellBack, Queued, Requeued, Resumed, Saved, Started, parse
from finetune.runs.view import ACTIVE, RESUMABLE, View, fold

Asked = Literal["stop", "pause", "yield"]
ENDED_AS = {"": "done", "stop": "stopped", "pause": "paused", "yield": "interrupted"}
"""What was asked of a run -> the state it ends in."""

DURABLE = (Queued, Requeued, Started, Resumed, FellBack, Saved, Ended)
"""Events that are on the disk before ``emit`` returns; the others are flushed and may be lost with the power."""


class Run:
    """One run directory, readable by anyone and written by the holder of its lock."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self._writing = threading.Lock()
        self._unwritten = b""

    @classmethod
    def create(cls, runs_dir: Path, recipe: Recipe) -> "Run":
        """A new directory ``NNN-name`` with the recipe and a ``Queued`` event."""
        with FileLock(runs_dir / ".numbering", is_singleton=False):
            number = max((Run(path).number for path in runs_dir.iterdir()), default=0) + 1
            path = runs_dir / f"{number:03d}-{slug(recipe.name)}"
            path.mkdir()
        run = cls(path)
        run.emit(Queued(name=recipe.name, method=recipe.method.type))
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
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.path / "checkpoints")

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    def emit(self, event: Event) -> None:
        """Append ``event``; a line torn by an earlier crash is closed first, so this one stands alone.

        While the disk is full events wait in memory: a run does not end because its log cannot be written.
        """
        with self._writing:
            self._unwritten += event.to_line().encode("utf-8", "surrogatepass") + b"\n"
            try:
                self._append(self._unwritten, isinstance(event, DURABLE))
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                return
            self._unwritten = b""

    def _append(self, lines: bytes, durably: bool) -> None:
        """Add whole ``lines`` to the log; if they do not fit, none of them is there."""
        with open(self.events_path, "ab+", buffering=0) as file:
            end = file.tell()
            if end and not _ends_with_newline(file):
                lines = b"\n" + lines
            try:
                written = file.write(lines)
                if written != len(lines):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                if durably:
                    os.fsync(file.fileno())
            except OSError:
                os.truncate(file.fileno(), end)
                raise

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
        self.ask("stop")

    def ask(self, what: Asked) -> None:
        """Ask of the run at work or in line to ``stop``, ``pause`` or ``yield``; one that ended raises ``RunError``.

        All three save where it is. Stopping also keeps the model so far; yielding makes way for the end of the program.
        """
        if self.view().state not in ("queued", *ACTIVE):
            raise RunError(f"Run {self.id} is not running.", f"There is nothing to {what}.")
        unfinished = self.path / f".asked-{what}"
        unfinished.write_text(what, encoding="utf-8")
        unfinished.replace(self.path / "asked")

    @property
    def asked(self) -> str:
        """``stop``, ``pause`` or ``yield``; empty if nothing was asked."""
        try:
            return (self.path / "asked").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    @property
    def cancelled(self) -> bool:
        """True once it was asked to end, for whatever reason."""
        return bool(self.asked)

    def requeue(self) -> None:
        """Let an ended run go on from its last checkpoint when its turn comes.

        ``RunError`` if it cannot, ``BusyError`` while another process works on it.
        """
        self._require_resumable(self.view().state)
        with self.held():
            self._require_resumable(self._state_in_hand())  # another process may have been quicker
            for told in ("asked", "left"):
                (self.path / told).unlink(missing_ok=True)
            self.emit(Requeued())

    def _require_resumable(self, state: str) -> None:
        if state == "done":
            raise RunError(f"Run {self.id} is finished.", "Start a new run from it to train it further.")
        if state not in RESUMABLE:
            raise RunError(f"Run {self.id} has not ended.", "It was resumed a moment ago, or never stopped.")

    def _state_in_hand(self) -> str:
        """The run's state for the holder of its lock, who knows that nobody else works on it."""
        view = fold(self.events()[0])
        return "interrupted" if view.state in ACTIVE else view.state

    def dismiss(self) -> None:
        """Offer no longer to resume it of one's own accord: someone has seen that it was interrupted."""
        (self.path / "left").touch()

    @property
    def is_dismissed(self) -> bool:
        """True once someone has left it interrupted."""
        return (self.path / "left").exists()

    @contextmanager
    def held(self, patience_s: float = 2.0):
        """Hold the run's lock; ``BusyError`` if another process or thread still works on it after ``patience_s``."""
        lock = FileLock(self.path / "lock", thread_local=False, is_singleton=False)
        try:
            lock.acquire(timeout=patience_s)
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


class ReadOnlyRun(Run):
    """A run as the processes see it that help the first one train: they read, and write nothing."""

    def emit(self, event: Event) -> None:
        """Nothing: the first process says it."""


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
        return "preparing" if self._view.phase in ("", "loading", "tokenizing") else "running"


def slug(name: str) -> str:
    """``name`` as a short part of a folder name: lower case, letters and digits, dashes between."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "run"


def _ends_with_newline(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"

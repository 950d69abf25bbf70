"""A run is one directory, and everything known about it is in there.

    recipe.yaml     what was asked for
    owner.json      who asked for it, where people sign in
    events.jsonl    what happened, append-only (finetune.runs.events)
    asked           a request to the run: stop, pause, or yield to the end of the program
    notice-due      present while a notice of its end is due (finetune.service.notices)
    dismissed       present once someone has dismissed the offer to resume the interrupted run
    lock            held, as an OS file lock, by the process that trains it
    heartbeat.json  changes while it is trained, for readers on another machine (finetune.runs.heartbeat)
    checkpoints/    enough to resume
    model/          the tuned model or adapter
    judgements.jsonl    what a judge said of its answers, if there was one
    blind-test.json, ballot.jsonl, votes.jsonl    its blind test (finetune.evaluation.ballot)

The trainer writes, everyone else reads. A reader never sees half a line. A run whose events say that it is active
while nobody holds its lock is interrupted, unless a machine that shares its folder trains it. The directory may be
deleted at any time: whoever needs it then gets a ``GoneError``, and nothing makes it again.
"""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from finetune.errors import BusyError, GoneError, RunError
from finetune.recipe import Recipe
from finetune.runs import heartbeat, owners
from finetune.runs import lines as lines_file
from finetune.runs.checkpoints import Checkpoints
from finetune.runs.events import Ended, Event, FellBack, Queued, Requeued, Resumed, Saved, Started, parse
from finetune.runs.numbering import new_folder, number_of
from finetune.runs.view import ACTIVE, PREPARING, RESUMABLE, View, fold

Asked = Literal["stop", "pause", "yield"]
ENDED_AS = {"": "done", "stop": "stopped", "pause": "paused", "yield": "interrupted"}
"""Request to a run -> the state it ends in."""

DURABLE = (Queued, Requeued, Started, Resumed, FellBack, Saved, Ended)
"""Events that are on the disk before ``emit`` returns; others are flushed, and a power cut may lose them."""


OWNER = "owner.json"
TAIL_BYTES = 2**18
"""A step is a line of some 300 bytes."""


class Run:
    """One run directory, read by anyone and written by the holder of its lock."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self._writing = threading.Lock()
        self._unwritten = b""
        self._heart: heartbeat.Heart | None = None

    @classmethod
    def create(cls, runs_dir: Path, recipe: Recipe, owner: str | None = None) -> "Run":
        """A new directory ``NNN-name`` with its owner, the recipe and a ``Queued`` event."""
        path = new_folder(runs_dir, recipe.name)
        run = cls(path)
        if owner is not None:
            owners.write(path / OWNER, {"name": owner})
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
        """The number at the start of its id; 0 for a folder that is no run."""
        return number_of(self.id)

    @cached_property
    def owner(self) -> str | None:
        """Who asked for it; None where nobody signs in, and empty if the file that says it is damaged."""
        return owners.read(self.path / OWNER)

    @property
    def is_gone(self) -> bool:
        """True once its directory was deleted."""
        return not (self.path / "recipe.yaml").is_file()

    @contextmanager
    def here(self) -> Iterator[None]:
        """Inside, a file that is missing is reported as a ``GoneError`` if the directory was deleted."""
        try:
            yield
        except FileNotFoundError as error:
            if self.is_gone:
                raise self.gone() from error
            raise

    def gone(self) -> GoneError:
        """The error that says that its directory was deleted."""
        return GoneError(f"There is no run {self.id} any more.", "Its folder was deleted.")

    @property
    def recipe(self) -> Recipe:
        if self.is_gone:
            raise self.gone()
        return Recipe.load(self.path / "recipe.yaml")

    @property
    def as_trained(self) -> Recipe:
        """Its recipe with the fallbacks that it has taken so far, and its model at the version that it reads."""
        recipe, view = self.recipe, self.view()
        if view.commit:
            recipe = recipe.changed(**{"model.revision": view.commit})
        for event in view.fallbacks:
            recipe = recipe.changed(**event.settings)
        return recipe

    @property
    def model_dir(self) -> Path:
        """Where the tuned model or adapter is saved."""
        return self.path / "model"

    @property
    def judgements(self) -> Path:
        """Each judgement of a judge (RLAIF), a line of JSON with question, answer, reply and points."""
        return self.path / "judgements.jsonl"

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.path / "checkpoints")

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    def emit(self, event: Event) -> None:
        """Append ``event``; a line torn by an earlier crash is closed first, so that the event has its own line.

        While the disk is full, events wait in memory: a run does not end because its log cannot be written.
        ``GoneError`` if the log was deleted, ``BusyError`` if another machine has taken over the run.
        """
        if self._heart:
            self._heart.require_mine()
        with self._writing:
            self._unwritten += event.without_secrets().to_line().encode("utf-8", "surrogatepass") + b"\n"
            try:
                self._append(self._unwritten, isinstance(event, DURABLE), is_first=isinstance(event, Queued))
            except FileNotFoundError as error:
                raise self.gone() from error
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                return
            self._unwritten = b""

    def _append(self, lines: bytes, durably: bool, is_first: bool) -> None:
        """Append whole ``lines`` to the log: all of them, or none if they do not fit. Only the first makes the file."""
        lines_file.append_whole(self.events_path, lines, durably, makes=is_first)

    def events(self, offset: int = 0) -> tuple[list[Event], int]:
        """The complete events after byte ``offset``, and the offset to continue from; damaged lines are skipped."""
        try:
            with open(self.events_path, "rb") as file:
                file.seek(offset)
                block = file.read()
        except FileNotFoundError:
            return [], offset
        whole = block[: block.rfind(b"\n") + 1]
        lines = whole.decode("utf-8", "replace").split("\n")
        return [event for line in lines if line and (event := parse(line))], offset + len(whole)

    def last_events(self, most: int) -> list[Event]:
        """The last ``most`` complete events, or fewer where they are longer than ``TAIL_BYTES`` together."""
        try:
            offset = max(0, self.events_path.stat().st_size - TAIL_BYTES)
        except FileNotFoundError:
            return []
        # The first line is torn if the file is longer, and so is skipped as a damaged one.
        return self.events(offset)[0][-most:]

    def view(self) -> View:
        """The run's view now."""
        return Follower(self).poll()

    def cancel(self) -> None:
        """Ask the run to stop and keep the model so far; a finished run raises ``RunError``."""
        self.ask("stop")

    def ask(self, what: Asked) -> None:
        """Ask a queued or running run to ``stop``, ``pause`` or ``yield``; an ended one raises ``RunError``.

        All three save a checkpoint. ``stop`` also saves the model so far; ``yield`` lets the program end.
        """
        if self.view().state not in ("queued", *ACTIVE):
            raise RunError(f"Run {self.id} is not running.", f"There is nothing to {what}.")
        unfinished = self.path / f".asked-{what}"
        with self.here():
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
        """True once it was asked to end, for any reason."""
        return bool(self.asked)

    def requeue(self) -> None:
        """Queue an ended run again, to continue from its last checkpoint.

        ``RunError`` if it cannot be resumed, ``BusyError`` while another process trains it.
        """
        self._require_resumable(self.view().state)
        with self.held():
            self._require_resumable(self._state_as_holder())  # another process may have been quicker
            for name in ("asked", "dismissed"):
                (self.path / name).unlink(missing_ok=True)
            self.emit(Requeued())

    def _require_resumable(self, state: str) -> None:
        if state in ACTIVE and (sign := heartbeat.sign_of(self.path)):
            hint = sign.silent_words[1] if sign.is_silent else "Stop or pause it first, on the page or with `stop`."
            raise RunError(f"Run {self.id} is at work on another machine. {sign.words}.", hint)
        if state == "done":
            raise RunError(f"Run {self.id} is finished.", "Start a new run from it to train it further.")
        if state not in RESUMABLE:
            raise RunError(f"Run {self.id} has not ended.", "It was resumed a moment ago, or never stopped.")

    def _state_as_holder(self) -> str:
        """The run's state for the holder of its lock, who knows that nobody else on this machine trains it."""
        view, sign = fold(self.events()[0]), heartbeat.sign_of(self.path)
        return "interrupted" if view.state in ACTIVE and (sign is None or sign.is_lost) else view.state

    def dismiss(self) -> None:
        """Stop offering to resume this interrupted run."""
        with self.here():
            (self.path / "dismissed").touch()

    @property
    def is_dismissed(self) -> bool:
        """True once someone has dismissed the offer to resume it."""
        return (self.path / "dismissed").exists()

    def lock(self, name: str) -> FileLock:
        """The lock ``name`` in its directory; ``GoneError`` if that is gone, or the lock would make it again."""
        if self.is_gone:
            raise self.gone()
        return FileLock(self.path / name, thread_local=False, is_singleton=False)

    @contextmanager
    def held(self, patience_s: float = 2.0):
        """Hold the run's lock; ``BusyError`` if another process or thread still holds it after ``patience_s``."""
        lock = self.lock("lock")
        try:
            lock.acquire(timeout=patience_s)
        except Timeout:
            raise BusyError(f"Another process is training run {self.id}.", "Watch it on the Train tab.") from None
        try:
            self._require_here()
            yield self
        finally:
            lock.release()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Inside, other machines see that this process trains the run; for the holder of its lock."""
        with heartbeat.beating(self.path) as self._heart:
            yield

    @property
    def is_held(self) -> bool:
        """True while some process trains the run."""
        if self.is_gone:
            return False
        lock = FileLock(self.path / "lock", thread_local=False, is_singleton=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        with suppress(GoneError):
            self._require_here()
        return False

    def _require_here(self) -> None:
        """``GoneError`` if its directory was deleted just before the lock made it again, which is undone."""
        if self.is_gone:
            with suppress(OSError):
                (self.path / "lock").unlink()
                self.path.rmdir()
            raise self.gone()


class ReadOnlyRun(Run):
    """A run as ranks > 0 of a distributed training see it: they read, and write nothing."""

    def emit(self, event: Event) -> None:
        """Nothing: rank 0 emits the event."""


class Follower:
    """Reads each event of a run once, however often it is polled."""

    def __init__(self, run: Run):
        self.run = run
        self._view = View()
        self._offset = 0
        self._folding = threading.Lock()

    def poll(self) -> View:
        """The run's view now: the same object as before, updated."""
        with self._folding:
            events, self._offset = self.run.events(self._offset)
            for event in events:
                self._view.add(event)
            self._view.elsewhere = heartbeat.sign_of(self.run.path) if self._view.state in ACTIVE else None
            if self._view.state in ACTIVE:
                self._view.state = self._active_state()
            if self._view.state not in ACTIVE:
                self._view.elsewhere = None
            return self._view

    def _active_state(self) -> str:
        sign = self._view.elsewhere
        if (sign is None or sign.is_lost) and not self.run.is_held:
            events, _ = self.run.events(self._offset)
            return self._view.state if events else "interrupted"
        if self.run.cancelled:
            return "stopping"
        return "preparing" if self._view.phase in PREPARING else "running"

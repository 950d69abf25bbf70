"""The heartbeat of a run: a small file that changes while its trainer lives, for readers on another machine.

A reader on the trainer's own machine asks for the lock on the run. Over a network file system that lock may not be
seen, so a reader elsewhere watches whether the file changes, by its own clock alone: the clocks of two machines may
differ by hours.
"""

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from finetune.errors import BusyError
from finetune.format import duration
from finetune.machine import host
from finetune.machine.host import Host

FILE = "heartbeat.json"
BEAT_S = 10.0
"""Seconds between two beats."""
SILENT_S = 60.0
"""A trainer is silent after so long without a beat: six are missing then."""
LOST_S = 300.0
"""A run counts as interrupted after so long without a beat. A network file system shows a change of another machine
within a minute (acregmax of nfs(5)), and its server may be away for some ninety seconds when it restarts."""


@dataclass(frozen=True)
class Sign:
    """What a reader knows of a trainer on another machine."""

    host: str
    """The name of that machine."""
    silent_s: float
    """Seconds since the last beat that was noticed here, or since this reader began to watch."""
    is_heard: bool
    """True once a beat was noticed."""

    @property
    def is_silent(self) -> bool:
        """True if it has been silent for longer than usual."""
        return self.silent_s > SILENT_S

    @property
    def is_lost(self) -> bool:
        """True once it counts as dead."""
        return self.silent_s > LOST_S

    @property
    def words(self) -> str:
        """Where the run is trained and when it was heard of, for a line of figures."""
        if self.is_heard or self.is_silent:
            last = f"last sign of life {duration(self.silent_s)} ago" if self.is_heard else ""
            return f"Trained on {self.host}; {last or f'no sign of life for {duration(self.silent_s)}'}"
        return f"Trained on {self.host}; waiting for its next sign of life"

    @property
    def silent_words(self) -> tuple[str, str]:
        """That it is silent, and what that may mean."""
        return (
            f"There has been no sign of life from {self.host} for {duration(self.silent_s)}.",
            "That machine may have ended, or it may not reach the shared folder now. After "
            f"{duration(LOST_S)} of silence the run counts as interrupted and can be resumed here.",
        )


class Heart:
    """Beats for one run while its trainer works; made by ``beating``."""

    def __init__(self, folder: Path):
        self._path = folder / FILE
        self._mark = secrets.token_hex(8)
        self._count = 0
        self._beaten_at = 0.0
        self._ended = threading.Event()
        self._is_taken = False
        self._beats = threading.Lock()

    def require_mine(self) -> None:
        """``BusyError`` once another trainer has taken the run, while this one was silent for long."""
        if time.monotonic() - self._beaten_at > 2 * BEAT_S:
            self._beat()
        if self._is_taken:
            raise BusyError("Another machine has taken over this run.", "Watch it on the Train tab.")

    def start(self) -> None:
        """Beat at once and from now on; a run that is started again belongs to this trainer."""
        self._write()
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Beat no more, and leave no file that would look like a trainer's."""
        with self._beats:
            if self._is_mine() and not self._is_taken:
                with suppress(OSError):
                    self._path.unlink()
            self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(BEAT_S):
            self._beat()

    def _beat(self) -> None:
        with self._beats:
            if self._ended.is_set():
                return
            if self._is_mine():
                self._write()
            else:
                self._is_taken = True
                self._ended.set()

    def _is_mine(self) -> bool:
        """False if another trainer beats in the run's folder; a file that is missing or damaged is nobody's."""
        return _read(self._path).get("mark", self._mark) == self._mark

    def _write(self) -> None:
        """The next beat: the file is replaced whole. A full disk only makes it silent, as a deleted folder does."""
        self._count += 1
        facts = host.here().to_dict() | {
            "pid": os.getpid(), "at": time.time(), "beat": self._count, "mark": self._mark
        }  # fmt: skip
        unfinished = self._path.with_name(f".{FILE}")
        with suppress(OSError):
            unfinished.write_text(json.dumps(facts), encoding="utf-8")
            unfinished.replace(self._path)
        self._beaten_at = time.monotonic()


@contextmanager
def beating(folder: Path) -> Iterator[Heart]:
    """Inside, the run in ``folder`` has a heartbeat."""
    heart = Heart(folder)
    heart.start()
    try:
        yield heart
    finally:
        heart.stop()


_noticed: dict[Path, tuple[tuple, float, bool]] = {}
"""For each run that was watched: its newest beat, when that was noticed first, and whether it followed another one."""


def sign_of(folder: Path) -> Sign | None:
    """What is known of the trainer of the run in ``folder``; None unless it beats, or did, on another machine."""
    facts = _read(folder / FILE)
    try:
        trainer = Host(facts["name"], facts["kernel"], facts["installation"])
        beat = facts["mark"], facts["beat"]
    except KeyError:
        _noticed.pop(folder, None)
        return None
    if trainer.is_same(host.here()):
        _noticed.pop(folder, None)
        return None
    now = time.monotonic()
    last, since, is_heard = _noticed.get(folder, (None, now, False))
    if beat != last:
        since, is_heard = now, last is not None
        _noticed[folder] = beat, since, is_heard
    return Sign(trainer.name, now - since, is_heard)


def watched(folder: Path) -> Sign | None:
    """``sign_of`` after having waited for a beat, two at most; for a reader that looks only once."""
    until, sign = time.monotonic() + 2.5 * BEAT_S, sign_of(folder)
    while sign and not sign.is_heard and time.monotonic() < until:
        time.sleep(BEAT_S / 20)
        sign = sign_of(folder)
    return sign


def _read(path: Path) -> dict:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

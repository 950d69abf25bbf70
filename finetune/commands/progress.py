"""How far a command has come, on stderr: one live line in a terminal, elsewhere a plain line every few seconds.

A run is followed by the events in its directory, as the page follows it; its trainer knows nothing of the reader.
Stdout belongs to the answer, and with ``--json`` nothing is shown.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from finetune.format import amount, duration, percent, size, size_of
from finetune.runs.events import Fetched
from finetune.runs.run import Follower, Run
from finetune.runs.view import PHASE_WORDS, View

FOLLOW_S = 0.5
"""How often the events of a run are read. Reading none takes a fraction of a millisecond."""
LIVE_S, PLAIN_S = 0.1, 5.0
"""The shortest time between two drawings of the live line, and between two plain lines of one phase."""
PATIENCE_S = 1.0
"""The check of a data file shows its progress after this time: most files are checked sooner."""
STATES = {"queued": "Starting", "stopping": "Stopping"}
"""States that say more than the phase. A run that is followed here is queued only while the libraries load."""


@dataclass(frozen=True)
class Status:
    """What one line says."""

    phase: str
    share: float | None = None
    """The part that is done, 0 to 1; None while it is unknown."""
    figures: tuple[str, ...] = ()
    """Further amounts, each in words."""


class Progress:
    """Shows the status that it is given, no more often than is useful, and the last one in any case.

    This one shows nothing; ``shown`` gives the one that suits stderr.
    """

    every_s = PLAIN_S

    def __init__(self, after_s: float = 0.0):
        self._due = self._begin = time.monotonic() + after_s
        self._status: Status | None = None
        self._drawn: Status | None = None

    def show(self, status: Status) -> None:
        """Draw ``status`` if its phase is new or the last drawing is old enough; else it may be drawn at the end."""
        now, self._status = time.monotonic(), status
        is_new = self._drawn is None or status.phase != self._drawn.phase
        if now >= self._begin and (is_new or now >= self._due):
            self._due, self._drawn = now + self.every_s, status
            self.draw(status)

    def close(self) -> None:
        """Draw the last status, unless it is drawn already or came before it was time to show anything."""
        if self._status != self._drawn and time.monotonic() >= self._begin:
            self._drawn = self._status
            self.draw(self._status)

    def draw(self, status: Status) -> None:
        """Nothing."""


class PlainLines(Progress):
    """A line for each phase, and one every few seconds: for logs and pipes."""

    def draw(self, status: Status) -> None:
        known = status.figures or (() if status.share is None else (percent(status.share),))
        print(f"{status.phase}: {', '.join(known)}" if known else status.phase, file=sys.stderr, flush=True)


class LiveLine(Progress):
    """One line of a terminal with a bar, drawn again and again."""

    every_s = LIVE_S

    def __init__(self, after_s: float = 0.0, stays: bool = True):
        super().__init__(after_s)
        self._stays = stays
        self._bar = None

    def draw(self, status: Status) -> None:
        from tqdm import tqdm

        share, text = status.share or 0.0, ", ".join(status.figures).replace("{", "{{").replace("}", "}}")
        bar = "" if status.share is None else "{percentage:3.0f} % {bar} "
        if self._bar is None:
            # Told nothing of its rows, tqdm draws nothing in a terminal that reports none.
            self._bar = tqdm(total=1.0, file=sys.stderr, leave=self._stays, bar_format="{desc}", ncols=80, nrows=20)
        self._bar.n, self._bar.bar_format, self._bar.ncols = share, f"{status.phase} {bar}{text}", columns()
        self._bar.refresh()

    def close(self) -> None:
        super().close()
        if self._bar is not None:
            self._bar.close()


def columns() -> int:
    """The width of the terminal behind stderr; 80 if it has none."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def shown(quiet: bool, after_s: float = 0.0, stays: bool = True) -> Progress:
    """The way to show progress on stderr: not at all if ``quiet``, live in a terminal, else in plain lines.

    Nothing is shown before ``after_s``; a live line ``stays`` at the end or is wiped away.
    """
    if quiet:
        return Progress()
    return LiveLine(after_s, stays) if sys.stderr.isatty() else PlainLines(after_s)


@contextmanager
def following(run: Run, quiet: bool = False) -> Iterator[None]:
    """Meanwhile a thread shows on stderr how far ``run`` has come, and at last how it ended."""
    if quiet:
        yield
        return
    progress, follower, over = shown(quiet), Follower(run), threading.Event()

    def follow() -> None:
        # A run does not fail because nobody reads its progress any more (a closed pipe).
        with suppress(OSError):
            while not over.is_set():
                progress.show(status_of(follower.poll()))
                over.wait(FOLLOW_S)
            progress.show(status_of(follower.poll()))
            progress.close()

    thread = threading.Thread(target=follow, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def fetched_figures(fetched: Fetched) -> tuple[str, ...]:
    """How far a download has come: ``2.1 of 15 GB``, its rate, and the time left."""
    figures = [size_of(fetched.done_bytes, fetched.total_bytes)]
    if fetched.bytes_per_s:
        figures += [f"{size(fetched.bytes_per_s)}/s", f"{duration(fetched.eta_s)} left"]
    return tuple(figures)


def status_of(view: View, now: float | None = None) -> Status:
    """What a line says of a run: its phase, and once its steps are planned, steps, loss, tokens/s and time left."""
    phase = STATES.get(view.state) or PHASE_WORDS.get(view.phase) or view.state.capitalize()
    if view.fetched and view.phase == "downloading":
        return Status(phase, view.fetched.share, fetched_figures(view.fetched))
    if not view.total_steps:
        waited = (now or time.time()) - view.started_at if view.started_at and not view.ended_at else 0.0
        return Status(phase, None, (duration(waited),) if waited else ())
    figures = [f"step {amount(view.step)} of {amount(view.total_steps)}"]
    if view.steps:
        figures.append(f"loss {view.steps[-1].loss:.3f}")
    if view.tokens_per_s:
        figures.append(f"{amount(view.tokens_per_s)} tokens/s")
    if view.eta_s:
        figures.append(f"{duration(view.eta_s)} left")
    return Status(phase, view.step / view.total_steps, tuple(figures))

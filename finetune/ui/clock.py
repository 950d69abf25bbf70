"""The clock: what the page shows of all runs and of one, as new as it is worth what a look costs."""

import functools
import inspect
import logging
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import gradio as gr

from finetune.runs.view import View
from finetune.ui import views
from finetune.ui.studio import Studio
from finetune.ui.train import queue
from finetune.ui.train import tab as train
from finetune.ui.train.standing import disk_words

TICK_S = 1.0
CALM = ((180, 5.0), (60, 2.0))
"""Of a run with more seconds to go than the first of a pair, the seconds between two looks; by the first pair that
holds. Each look takes time from a training on the same cores, and a moment of a long run says less."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choosing:
    """What the Train and the Compare tab's choosers of a run offer and show, and how often the page looks.

    A hidden part of the page shows its ``mark``, and the components follow when that changes: to leave one as it is
    costs Gradio as much as to change it (1 ms each).
    """

    runs: tuple[tuple[str, str], ...] = ()
    run_id: str | None = None
    finished: tuple[tuple[str, str], ...] = ()
    compared_id: str | None = None
    every_s: float = TICK_S

    @property
    def mark(self) -> str:
        """HTML without words, another one for other choices."""
        return f"<i data-choosing='{hash(self)}'></i>"


def offered(seen: dict) -> tuple[gr.Dropdown, gr.Dropdown, gr.Timer]:
    """The two choosers and the clock as they should be by what the page has ``seen``."""
    choosing = seen.get("choosing", Choosing())
    return (
        gr.Dropdown(list(choosing.runs), value=choosing.run_id),
        gr.Dropdown(list(choosing.finished), value=choosing.compared_id),
        gr.Timer(choosing.every_s),
    )


class Snapshot(NamedTuple):
    """What there is at one moment, whoever looks and whatever they chose."""

    runs: tuple[tuple[str, str], ...]
    """Label and id of each, newest first."""
    finished: tuple[tuple[str, str], ...]
    """Those of them that can be talked to."""
    current: str | None
    """The run at work on this machine."""
    line: str
    """The status line."""
    every_s: float
    """Seconds until the next look."""


def refresh(studio: Studio, seen: dict, run_id: str | None, compared_id: str | None, anew: bool = True) -> list:
    """One value for each output of the clock: what changed since ``seen``, and next to nothing for the rest.

    ``run_id`` and ``compared_id`` are what the person chose; without, the Train tab shows the run at work or else the
    newest, and the Compare tab keeps the one it began with. Unless ``anew``, what somebody else was shown within the
    last second does, so that many who look cost a training little more than one.
    """
    if anew:
        studio.snapshots.clear()
    with studio.at_one_moment():
        return _refreshed(studio, seen, run_id, compared_id)


def _refreshed(studio: Studio, seen: dict, run_id: str | None, compared_id: str | None) -> list:
    snapshot = studio.snapshots.get("glance", partial(_snapshot, studio))
    if run_id not in _ids(snapshot.runs) and studio.find_run(run_id):  # it was begun since somebody looked
        studio.snapshots.clear()
        snapshot = studio.snapshots.get("glance", partial(_snapshot, studio))
    known, talkable = _ids(snapshot.runs), _ids(snapshot.finished)
    if run_id not in known:
        run_id = snapshot.current or (known[0] if known else None)
    earlier = seen.get("choosing", Choosing())
    compared_id = compared_id or earlier.compared_id
    if compared_id not in talkable:
        compared_id = talkable[0] if talkable else None
    choosing = Choosing(snapshot.runs, run_id, snapshot.finished, compared_id, snapshot.every_s)
    looked = studio.snapshots.get(run_id, lambda: train.look(studio, run_id))
    return [
        {"choosing": choosing, "look": looked},
        choosing.mark,
        snapshot.line,
        *looked.values(seen.get("look")),
    ]


def _snapshot(studio: Studio) -> Snapshot:
    run, view = studio.current() or (None, None)
    also = (queue.interrupted_line(studio), disk_words(studio, run))
    line = views.head(studio.machine, view, len(studio.queue.waiting()), also)
    choices = tuple(train.choices(studio)), tuple(train.choices(studio, with_model=True))
    return Snapshot(*choices, run and run.id, line, pace_s(view))


def pace_s(view: View | None) -> float:
    """Seconds between two looks of a page at the run at work, if there is one."""
    to_go_s = view.eta_s or 0 if view and view.state == "running" and view.is_paced else 0
    return next((every_s for more_than_s, every_s in CALM if to_go_s > more_than_s), TICK_S)


def _ids(choices: tuple[tuple[str, str], ...]) -> list[str]:
    return [run_id for _, run_id in choices]


def total(handler):
    """``handler`` for the clock: whatever it raises is logged, and the page keeps what it shows."""

    @functools.wraps(handler.func)
    def call(*arguments):
        try:
            return handler(*arguments)
        except Exception:
            log.exception("The page could not be refreshed.")
            return [gr.skip()] * (3 + len(train.Look._fields))

    # Gradio asks the signature whether the handler wants a request.
    call.__signature__ = inspect.signature(handler)
    return call

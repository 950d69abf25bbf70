"""The clock: keeps what the page shows of the runs up to date, as often as a refresh is worth its cost."""

import functools
import inspect
import logging
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import gradio as gr

from finetune.runs.view import View
from finetune.ui import views
from finetune.ui.chooser import RULES
from finetune.ui.studio import Studio
from finetune.ui.train import queue
from finetune.ui.train import tab as train
from finetune.ui.train.notify import newest_end
from finetune.ui.train.standing import disk_words

TICK_S = 1.0
CALM = ((180, 5.0), (60, 2.0))
"""Of a run with more seconds to go than the first of a pair, the seconds between two refreshes; by the first pair that
holds. Each refresh takes time from a training on the same cores, and a moment of a long run says less."""
RUNS = "all runs"
"""Begins the key of a snapshot of all runs that a visitor sees."""

Choices = tuple[tuple[str, str], ...]
"""Label and id of each run, newest first."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choosing:
    """What each chooser of a run offers and shows, in the order of ``RULES``, and how often the page is refreshed.

    A hidden part of the page shows its ``mark``, and the components follow when that changes: to leave one as it is
    costs Gradio as much as to change it (1 ms each).
    """

    choices: tuple[Choices, ...] = ((),) * len(RULES)
    shown: tuple[str | None, ...] = (None,) * len(RULES)
    every_s: float = TICK_S

    @property
    def mark(self) -> str:
        """HTML without words, a different one for different choices."""
        return f"<i data-choosing='{hash(self)}'></i>"


def offered(seen: dict) -> list[gr.Dropdown | gr.Timer]:
    """The choosers and the clock as they should be, by what the page has ``seen``."""
    choosing = seen.get("choosing", Choosing())
    dropdowns = [gr.Dropdown(list(choices), value=run_id) for choices, run_id in zip(choosing.choices, choosing.shown)]
    return [*dropdowns, gr.Timer(choosing.every_s)]


class Snapshot(NamedTuple):
    """All runs at one moment, the same for every visitor who sees the same."""

    ids: frozenset[str]
    choices: tuple[Choices, ...]
    """What each chooser offers, in the order of ``RULES``."""
    current: str | None
    """The run at work on this machine."""
    status: str
    """The status line."""
    every_s: float
    """Seconds until the next refresh."""


def refresh(studio: Studio, seen: dict, *picked: str | None, is_shared: bool = False) -> list:
    """One value for each output of the clock: what changed since ``seen``, and next to nothing for the rest.

    ``picked`` are the runs that the person picked in the choosers, in the order of ``RULES``. If it ``is_shared``, a
    snapshot that another visitor got within the last second is used, so that many visitors cost a training little more
    than one.
    """
    if not is_shared:
        studio.snapshots.clear()
    with studio.at_one_moment():
        return _refreshed(studio, seen, picked)


def _refreshed(studio: Studio, seen: dict, picked: tuple[str | None, ...]) -> list:
    of = (RUNS, studio.rights.visitor.name, studio.rights.visitor.role)
    snapshot = studio.snapshots.get(of, partial(_snapshot, studio))
    if any(run_id not in snapshot.ids and studio.find_run(run_id) for run_id in picked):  # newer than the snapshot
        studio.snapshots.clear()
        snapshot = studio.snapshots.get(of, partial(_snapshot, studio))
    earlier = seen.get("choosing", Choosing())
    shown = tuple(
        rule.shown([run_id for _, run_id in choices], wanted, before, snapshot.current)
        for rule, choices, wanted, before in zip(RULES, snapshot.choices, picked, earlier.shown)
    )
    choosing = Choosing(snapshot.choices, shown, snapshot.every_s)
    watched = shown[[rule.tab for rule in RULES].index("train")]
    rendered = studio.snapshots.get((watched, *of[1:]), lambda: train.render(studio, watched))
    return [
        {"choosing": choosing, "rendered": rendered},
        choosing.mark,
        snapshot.status,
        *train.updates(rendered, seen.get("rendered")),
    ]


def _snapshot(studio: Studio) -> Snapshot:
    run, view = studio.current() or (None, None)
    known = [(each.id, its_view) for each, its_view in studio.views()]
    another = "someone else's run is at work" if studio.serves_another() else ""
    also = (another, queue.interrupted_words(studio), disk_words(studio, run))
    return Snapshot(
        ids=frozenset(run_id for run_id, _ in known),
        choices=tuple(rule.choices(known) for rule in RULES),
        current=run and run.id,
        status=views.head(
            studio.machine, view, len(studio.queue.waiting()), also, newest_end(known), studio.rights.visitor.name
        ),
        every_s=pace_s(view),
    )


def pace_s(view: View | None) -> float:
    """Seconds between two refreshes of a page while the run of ``view``, if any, is at work."""
    to_go_s = view.eta_s or 0 if view and view.state == "running" and view.is_paced else 0
    return next((every_s for more_than_s, every_s in CALM if to_go_s > more_than_s), TICK_S)


def total(handler):
    """``handler`` for the clock: whatever it raises is logged, and the page keeps what it shows."""

    @functools.wraps(handler.func)
    def call(*arguments):
        try:
            return handler(*arguments)
        except Exception:
            log.exception("The page could not be refreshed.")
            return [gr.skip()] * (3 + len(train.NAMES))

    # Gradio asks the signature whether the handler wants a request.
    call.__signature__ = inspect.signature(handler)
    return call

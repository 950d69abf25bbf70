"""Studio: what the page holds for the life of the process. One per page, handed to every tab; no globals.

Its caches are copies of what is on the disk: losing them costs time and nothing else.
"""

import functools
import threading
from collections.abc import Callable
from contextlib import contextmanager

from finetune.errors import RunError
from finetune.inference.chat import Pairs
from finetune.inference.panel import Panel
from finetune.inference.rating import Raters
from finetune.recipe import Recipe
from finetune.runs.run import Follower, Run
from finetune.runs.view import ACTIVE, View
from finetune.runs.workspace import Workspace
from finetune.service.ballots import Ballots
from finetune.service.notices import Notices
from finetune.ui.cache import Cache
from finetune.ui.data.desk import DataDesk
from finetune.ui.downloads import Downloads
from finetune.ui.rights import Rights, VisitorsQueue, VisitorsWorkspace

SNAPSHOT_S = 0.9
"""All visitors share a snapshot of the runs for this time, a little less than a tick of the page's clock."""
DOUBLE_CLICK_S = 3.0
"""The same recipe started again within this time is a double click, not a wish for two runs."""


class Studio:
    """The engine as the page uses it."""

    def __init__(
        self,
        workspace: Workspace | None = None,
        must_sign_in: bool = False,
        owners_alone: bool = True,
        notices: Notices = Notices(),
    ):
        self.everything = workspace or Workspace()
        """The workspace itself, for what a secret in an address opens; handlers use ``workspace``."""
        self.rights = Rights(must_sign_in, owners_alone)
        self.workspace = VisitorsWorkspace(self.everything.path, self.rights)
        """The workspace as the visitor sees it whose event is handled."""
        self.queue = VisitorsQueue(self.everything, self.workspace, self.rights, notices)
        self.data = DataDesk(self.workspace, self.queue.known, self.everything)
        self.pairs = Pairs(self.everything)
        self.panel = Panel(self.everything, self.pairs)
        self.raters = Raters(self.everything)
        self.ballots = Ballots(self.pairs, self.queue.beside)
        self.downloads = Downloads(self.everything.path / ".downloads")
        self.restart: Callable[[], None] | None = None
        """Ends this process so that the launcher starts another; None where there is no launcher."""
        self.charts = Cache(8)
        """Charts of runs (``finetune.ui.train.tab``), drawn once for all visitors."""
        self.costs = Cache(400)
        """What methods and adapters cost (``finetune.ui.method.costs``), by model, data and length."""
        self.snapshots = Cache(64, SNAPSHOT_S)
        """What the page shows of the runs now (``finetune.ui.clock``), for all visitors who see the same."""
        self._followers: dict[str, Follower] = {}
        self._moment = threading.local()
        self._warming = threading.Lock()
        self._recipes = Cache(64)
        self._started = Cache(64, DOUBLE_CLICK_S)
        self._machine = ""
        self._is_warming = False

    @property
    def machine(self) -> str:
        """This machine in words; it is not known before the heavy libraries are loaded."""
        if not self._machine and self.queue.is_warm:
            from finetune.machine.hardware import machine

            self._machine = machine().words
        return self._machine or "Getting ready…"

    def warm(self) -> None:
        """Load the heavy libraries in the background; only the first call does anything."""
        with self._warming:
            if not self._is_warming:
                self._is_warming = True
                self.queue.warm()

    def views(self) -> list[tuple[Run, View]]:
        """Every run that the visitor may see with its view, newest first."""
        return getattr(self._moment, "views", self._views)()

    def _views(self) -> list[tuple[Run, View]]:
        return [(run, self._view(run)) for run in self.workspace.runs()]

    @contextmanager
    def at_one_moment(self):
        """Inside, this thread reads all runs at most once, however often it asks."""
        self._moment.views = functools.cache(self._views)
        try:
            yield
        finally:
            del self._moment.views

    def view(self, run: Run) -> View:
        """The view of ``run`` now; only new events are read."""
        if hasattr(self._moment, "views"):
            for seen, view in self._moment.views():
                if seen.id == run.id:
                    return view
        return self._view(run)

    def _view(self, run: Run) -> View:
        return self._followers.setdefault(run.id, Follower(run)).poll()

    def find_run(self, run_id: str | None) -> Run | None:
        """The run named ``run_id``, or None if there is none (any more)."""
        try:
            return self.workspace.run(run_id) if run_id else None
        except RunError:
            return None

    def current(self) -> tuple[Run, View] | None:
        """The run at work on this machine, in this process or another one, if the visitor may see it."""
        return next(((run, view) for run, view in self.views() if view.state in ACTIVE), None)

    def serves_another(self) -> bool:
        """True if a run is at work that the visitor may not see."""
        run = self.queue.current
        return run is not None and not self.rights.visitor.may_see(run.owner)

    def start(self, recipe: Recipe) -> Run:
        """Queue a run of ``recipe``; a second click on the same button gets the run of the first."""
        key = (self.rights.visitor.name, recipe.to_yaml(full=True))
        return self._started.get(key, lambda: self.queue.submit(recipe))

    def recipe(self, run: Run) -> Recipe:
        """The recipe of ``run``; it never changes."""
        return self._recipes.get(run.id, lambda: run.recipe)

    def forget(self, run: Run) -> None:
        """Drop everything cached of ``run``, which was deleted."""
        self._followers.pop(run.id, None)
        self.panel.forget(run.id)
        self.raters.forget(run.id)
        self._started.clear()

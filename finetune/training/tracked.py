"""Trackers beside a training: Transformers' callbacks, of which none that fails ends the run."""

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from transformers import TrainerCallback

from finetune.errors import first_sentence
from finetune.recipe import Recipe
from finetune.runs import events
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.training import distributed
from finetune.training.trackers import PROJECT, TRACKERS, Tracker


class Tracked(TrainerCallback):
    """One tracker of a run: it begins with the training, and is left out from its first error on."""

    def __init__(self, tracker: Tracker, run: Run, workspace: Workspace):
        self.tracker, self.run, self.workspace = tracker, run, workspace
        self._inner: Any = None
        self._failed = False
        self._last: tuple = ()
        """The arguments and the state that the tracker saw last."""

    def on_train_begin(self, args, state, control, **kwargs):
        self._guard(lambda: self._begin(args, state, control))

    def on_log(self, args, state, control, logs=None, **kwargs):
        if self._inner is not None:
            self._guard(lambda: self._inner.on_log(self._shown(args), state, control, logs=dict(logs)))

    def close(self) -> None:
        """End the tracker's run, however the training has ended."""
        if self._inner is not None:
            self._guard(lambda: self.tracker.end(self._inner, *self._last))
        self._inner = None

    def _begin(self, args, state, control) -> None:
        self._last = (self._shown(args), state)
        self._inner = self.tracker.begin(self.run, self.workspace, state.global_step)
        # Without the model, whose configuration names folders of this machine.
        self._inner.on_train_begin(self._last[0], state, control)

    def _shown(self, args):
        """The trainer's ``args`` as a tracker sees them: with its run's name, and without folders of this machine."""
        shown = copy.copy(args)
        shown.output_dir, shown.run_name = "checkpoints", self.run.id
        shown.project = PROJECT
        shown.trackio_static_space_id = False  # else it may publish a Space of the metrics
        return shown

    def _guard(self, work: Callable[[], object]) -> None:
        if self._failed:
            return
        try:
            with redirect_stdout(sys.stderr):  # the answer of a command goes to stdout, and nothing else
                work()
        except Exception as error:
            self._failed = True
            message = f"{self.tracker.title} is left out from here on, and the run goes on: {first_sentence(error)}"
            self.run.emit(events.Noted(message=message, level="warning"))


@contextmanager
def tracked(run: Run, recipe: Recipe, workspace: Workspace) -> Iterator[list[Tracked]]:
    """The callbacks of the trackers of ``recipe``, each closed at the end; none where another process writes the run.

    They come before whatever evaluates when the training begins, or they would miss it.
    """
    names = dict.fromkeys(recipe.training.report_to) if distributed.is_main_process() else ()
    found = [Tracked(TRACKERS[name], run, workspace) for name in names]
    try:
        yield found
    finally:
        for each in found:
            each.close()

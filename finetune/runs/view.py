"""A run as its readers see it: ``fold(events) -> View``.

The page, the command line and the tests read the same View, and nothing else. It holds no handle to a
trainer, a thread or a file, and says nothing about how to draw it.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod

from finetune.methods import MEASURES, METHODS
from finetune.runs import events
from finetune.runs.heartbeat import Sign

STATES = ("queued", "preparing", "running", "stopping", "done", "stopped", "paused", "failed", "interrupted")
"""An active run whose lock nobody holds is *interrupted* (``finetune.runs.run`` decides that)."""

PHASE_WORDS = {
    "downloading": "Downloading the model",
    "loading": "Loading the model",
    "tokenizing": "Tokenizing the data",
    "training": "Training",
    "saving": "Saving the model",
}
"""The phases of a run in words."""
PREPARING = ("", "downloading", "loading", "tokenizing")
"""The phases before the first step."""
ACTIVE = ("preparing", "running", "stopping")
FINISHED = ("done", "stopped", "failed")
RESUMABLE = ("stopped", "paused", "failed", "interrupted")
"""A run in one of these states can be resumed from its last checkpoint."""
STALLED_S, STALLED_STEPS = 60.0, 10.0
"""A run is stalled after a minute without an event, if that is also ten times its usual step time."""
UNPACED_S = 3600.0
"""While its usual step time is unknown, a run is stalled after an hour without an event.

Before its second step (also after a resume), and while its model is saved, a run emits no event for as long as a disk,
a network or a compiler takes. In an hour 140 GB of weights (70 billion in bf16) are read at 40 MB/s, and the longest
compilation measured (27 s) fits over a hundred times.
"""


@dataclass
class View:
    """The state of a run after the events so far."""

    name: str = ""
    method: str = "sft"
    state: str = "queued"
    phase: str = ""
    commit: str = ""
    """The version of a model on the Hub that it reads; empty for any other model, and before it is known."""
    fetched: events.Fetched | None = None
    """How much of the model is here, while it is downloaded."""
    device: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    queued_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    step: int = 0
    total_steps: int = 0
    epoch: float = 0.0
    train_rows: int = 0
    held_out_rows: int = 0
    trained_tokens: int = 0
    parameters: int = 0
    trainable: int = 0
    elapsed_s: float = 0.0
    tokens_per_s: float | None = None
    gauges: dict[str, float] = field(default_factory=dict)
    """The newest value of each measure of the machine."""
    steps: list[events.Stepped] = field(default_factory=list)
    evaluations: list[events.Evaluated] = field(default_factory=list)
    samples: list[events.Sampled] = field(default_factory=list)
    choices: list[events.Chose] = field(default_factory=list)
    notes: list[events.Noted] = field(default_factory=list)
    saved: list[events.Saved] = field(default_factory=list)
    fallbacks: list[events.FellBack] = field(default_factory=list)
    """Fallbacks taken after the run ran out of memory, in order."""
    fingerprint: events.Fingerprinted | None = None
    """What it is made from; its ``rows`` are empty after a fallback, which may have truncated them."""
    steps_since: int = 0
    """Steps since the current phase began. The first one also waits for what is loaded or compiled then."""
    elsewhere: Sign | None = None
    """What is known of its trainer, while that is on another machine."""
    heard_at: float = 0.0
    """Time of the run's last event, in Unix seconds."""
    code: str = ""
    message: str = ""
    hint: str = ""
    revision: int = 0
    """Number of events folded in; equal revisions of one run are equal views."""

    @property
    def fraction(self) -> float:
        """Share of the steps done, 0 to 1; 1 for a run that is done."""
        if self.state == "done":
            return 1.0
        return min(self.step / self.total_steps, 1.0) if self.total_steps else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds of training left at the mean step time so far; None before the first step."""
        if self.state not in ("running", "stopping") or not self.step or not self.total_steps:
            return None
        return self.elapsed_s / self.step * max(self.total_steps - self.step, 0)

    @property
    def is_partly_fetched(self) -> bool:
        """True if its model is downloaded, or was when it ended, and part of it is not here yet."""
        return self.fetched is not None and self.fetched.done_bytes < self.fetched.total_bytes

    @property
    def has_model(self) -> bool:
        """True if the run directory holds a tuned model."""
        return any(saved.what == "model" for saved in self.saved)

    @property
    def best(self) -> events.Evaluated | None:
        """The best evaluation by what the method says decides (``Method.best_by``); None before there is one."""
        return self.best_of(self.evaluations)

    def best_of(self, evaluations: Iterable[events.Evaluated]) -> events.Evaluated | None:
        """The best of ``evaluations``, those whose value is no number left out."""
        by = METHODS[self.method].best_by
        sign = -1 if by != "loss" and MEASURES[by].better == "higher" else 1
        valued = [
            (sign * (each.loss if by == "loss" else each.metrics.get(by, math.nan)), each) for each in evaluations
        ]
        return min((pair for pair in valued if math.isfinite(pair[0])), key=lambda pair: pair[0], default=(0, None))[1]

    @property
    def step_s(self) -> float | None:
        """Usual step time in seconds: the median of the last twenty steps; None before the second step."""
        recent = self.steps[-21:]
        paces = [later.elapsed_s - earlier.elapsed_s for earlier, later in zip(recent, recent[1:])]
        return sorted(paces)[len(paces) // 2] if paces else None

    @property
    def is_silent(self) -> bool:
        """True if its trainer is on another machine, which has given no sign of life for longer than usual."""
        return self.state in ACTIVE and self.elsewhere is not None and self.elsewhere.is_silent

    @property
    def is_paced(self) -> bool:
        """True while it trains and has taken two steps since its start or resume, so that it has a usual step time."""
        return self.phase == "training" and self.steps_since >= 2 and self.step_s is not None

    def is_stalled(self, now: float) -> bool:
        """True if it is active, asked to end or not, and has emitted no event for much longer than usual.

        Never for a trainer on another machine, whose clock may differ: its heartbeat says whether it lives.
        """
        patience_s = max(STALLED_S, STALLED_STEPS * self.step_s) if self.is_paced else UNPACED_S
        return self.state in ACTIVE and not self.elsewhere and now - self.heard_at > patience_s

    def add(self, event: events.Event) -> "View":
        """This view with ``event`` folded in; it changes in place."""
        self.revision += 1
        self.heard_at = event.at
        self._add(event)
        return self

    @singledispatchmethod
    def _add(self, event: events.Event) -> None:
        raise TypeError(f"No rule for {type(event).__name__}.")

    @_add.register
    def _(self, event: events.Queued) -> None:
        self.name, self.method = event.name, event.method
        self.queued_at, self.state = event.at, "queued"

    @_add.register
    def _(self, event: events.Started) -> None:
        self.state, self.started_at, self.ended_at = "preparing", event.at, None
        self.device, self.versions, self.phase = event.device, event.versions, ""
        self.code = self.message = self.hint = ""

    @_add.register
    def _(self, event: events.Requeued) -> None:
        self.state, self.ended_at, self.phase = "queued", None, ""
        self.code = self.message = self.hint = ""

    @_add.register
    def _(self, event: events.Resumed) -> None:
        self.steps = [step for step in self.steps if step.step <= event.step]
        self.evaluations = [evaluation for evaluation in self.evaluations if evaluation.step <= event.step]
        self.samples = [sample for sample in self.samples if sample.step <= event.step]
        self.step = event.step
        last = self.steps[-1] if self.steps else None
        self.epoch, self.elapsed_s = (last.epoch, last.elapsed_s) if last else (0.0, 0.0)

    @_add.register
    def _(self, event: events.FellBack) -> None:
        self.fallbacks.append(event)
        if self.fingerprint:
            self.fingerprint = self.fingerprint.model_copy(update={"rows": ""})

    @_add.register
    def _(self, event: events.Fingerprinted) -> None:
        self.fingerprint = event

    @_add.register
    def _(self, event: events.Entered) -> None:
        self.phase, self.steps_since, self.fetched = event.phase, 0, None
        self.state = "preparing" if event.phase in PREPARING else "running"

    @_add.register
    def _(self, event: events.Pinned) -> None:
        self.commit = event.commit

    @_add.register
    def _(self, event: events.Fetched) -> None:
        self.fetched = event

    @_add.register
    def _(self, event: events.Chose) -> None:
        self.choices = [choice for choice in self.choices if choice.what != event.what] + [event]

    @_add.register
    def _(self, event: events.Noted) -> None:
        if (event.message, event.level) not in [(note.message, note.level) for note in self.notes]:
            self.notes.append(event)

    @_add.register
    def _(self, event: events.Planned) -> None:
        self.total_steps, self.train_rows, self.held_out_rows = event.total_steps, event.train_rows, event.held_out_rows
        self.trained_tokens, self.parameters, self.trainable = event.trained_tokens, event.parameters, event.trainable

    @_add.register
    def _(self, event: events.Stepped) -> None:
        self.step, self.epoch, self.elapsed_s = event.step, event.epoch, event.elapsed_s
        self.tokens_per_s = event.tokens_per_s or self.tokens_per_s
        self.gauges = self.gauges | event.gauges
        self.steps = (
            [earlier for earlier in self.steps if earlier.step < event.step] if self._repeats(event) else self.steps
        )
        self.steps.append(event)
        self.steps_since += 1

    def _repeats(self, event: events.Stepped) -> bool:
        return bool(self.steps) and self.steps[-1].step >= event.step

    @_add.register
    def _(self, event: events.Evaluated) -> None:
        self.evaluations = [earlier for earlier in self.evaluations if earlier.step < event.step] + [event]

    @_add.register
    def _(self, event: events.Sampled) -> None:
        self.samples = [earlier for earlier in self.samples if earlier.step < event.step] + [event]

    @_add.register
    def _(self, event: events.Saved) -> None:
        self.saved.append(event)

    @_add.register
    def _(self, event: events.Ended) -> None:
        self.state, self.ended_at, self.phase = event.state, event.at, ""
        self.code, self.message, self.hint = event.code, event.message, event.hint


def fold(events: Iterable[events.Event]) -> View:
    """The view after ``events``, in their order."""
    view = View()
    for event in events:
        view.add(event)
    return view

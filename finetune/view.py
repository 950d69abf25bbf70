"""A run as its readers see it: ``fold(events) -> View``.

The page, the command line and the tests read the same View, and nothing else. It holds no handle to a
trainer, a thread or a file, and drawing it is the readers' business.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod

from finetune import events as said

STATES = ("queued", "preparing", "running", "stopping", "done", "stopped", "failed", "interrupted")
"""A run that says it is at work while nobody holds its lock is *interrupted* (``finetune.run`` decides that)."""

ACTIVE = ("preparing", "running", "stopping")
FINISHED = ("done", "stopped", "failed")


@dataclass
class View:
    """What is known of a run after the events so far."""

    name: str = ""
    state: str = "queued"
    phase: str = ""
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
    memory_bytes: int | None = None
    steps: list[said.Stepped] = field(default_factory=list)
    evaluations: list[said.Evaluated] = field(default_factory=list)
    samples: list[said.Sampled] = field(default_factory=list)
    choices: list[said.Chose] = field(default_factory=list)
    notes: list[said.Noted] = field(default_factory=list)
    saved: list[said.Saved] = field(default_factory=list)
    code: str = ""
    message: str = ""
    hint: str = ""
    revision: int = 0
    """Number of events folded in; equal revisions of one run are equal views."""

    @property
    def fraction(self) -> float:
        """Share of the steps done, 0 to 1; a run that is done is 1."""
        if self.state == "done":
            return 1.0
        return min(self.step / self.total_steps, 1.0) if self.total_steps else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds of training left at the mean pace so far, or None before the first step."""
        if self.state not in ("running", "stopping") or not self.step or not self.total_steps:
            return None
        return self.elapsed_s / self.step * max(self.total_steps - self.step, 0)

    @property
    def has_model(self) -> bool:
        """True if a tuned model can be read from the run directory."""
        return any(saved.what == "model" for saved in self.saved)

    def add(self, event: said.Event) -> "View":
        """This view with ``event`` folded in (it changes in place and is returned)."""
        self.revision += 1
        self._add(event)
        return self

    @singledispatchmethod
    def _add(self, event: said.Event) -> None:
        raise TypeError(f"No rule for {type(event).__name__}.")

    @_add.register
    def _(self, event: said.Queued) -> None:
        self.name, self.queued_at, self.state = event.name, event.at, "queued"

    @_add.register
    def _(self, event: said.Started) -> None:
        self.state, self.started_at, self.ended_at = "preparing", event.at, None
        self.device, self.versions, self.phase = event.device, event.versions, ""
        self.code = self.message = self.hint = ""

    @_add.register
    def _(self, event: said.Entered) -> None:
        self.phase = event.phase
        self.state = "preparing" if event.phase in ("loading", "tokenising") else "running"

    @_add.register
    def _(self, event: said.Chose) -> None:
        self.choices = [choice for choice in self.choices if choice.what != event.what] + [event]

    @_add.register
    def _(self, event: said.Noted) -> None:
        self.notes.append(event)

    @_add.register
    def _(self, event: said.Planned) -> None:
        self.total_steps, self.train_rows, self.held_out_rows = event.total_steps, event.train_rows, event.held_out_rows
        self.trained_tokens, self.parameters, self.trainable = event.trained_tokens, event.parameters, event.trainable

    @_add.register
    def _(self, event: said.Stepped) -> None:
        self.step, self.epoch, self.elapsed_s = event.step, event.epoch, event.elapsed_s
        self.tokens_per_s = event.tokens_per_s or self.tokens_per_s
        self.memory_bytes = event.memory_bytes or self.memory_bytes
        self.steps = (
            [earlier for earlier in self.steps if earlier.step < event.step] if self._repeats(event) else self.steps
        )
        self.steps.append(event)

    def _repeats(self, event: said.Stepped) -> bool:
        return bool(self.steps) and self.steps[-1].step >= event.step

    @_add.register
    def _(self, event: said.Evaluated) -> None:
        self.evaluations = [earlier for earlier in self.evaluations if earlier.step < event.step] + [event]

    @_add.register
    def _(self, event: said.Sampled) -> None:
        self.samples = [earlier for earlier in self.samples if earlier.step < event.step] + [event]

    @_add.register
    def _(self, event: said.Saved) -> None:
        self.saved.append(event)

    @_add.register
    def _(self, event: said.Ended) -> None:
        self.state, self.ended_at, self.phase = event.state, event.at, ""
        self.code, self.message, self.hint = event.code, event.message, event.hint


def fold(events: Iterable[said.Event]) -> View:
    """The view after ``events``, in their order."""
    view = View()
    for event in events:
        view.add(event)
    return view

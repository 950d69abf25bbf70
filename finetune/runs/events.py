"""Everything a run can say, one small class each, always in the past tense.

An event is one JSON line of a run's ``events.jsonl``. It says what happened and never how to draw it;
``finetune.runs.view`` folds events into what a reader needs. Times are Unix seconds, durations are seconds
taken from a monotonic clock, memory is bytes, losses are natural logs per token.
"""

import json
import time
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationError

from finetune.redaction import redacted
from finetune.settings import Settings

Phase = Literal["downloading", "loading", "tokenizing", "training", "saving"]


class Event(Settings):
    """A fact about a run."""

    EVENTS: ClassVar[dict[str, type["Event"]]] = {}

    at: float = Field(default_factory=time.time)
    """When it happened, in Unix seconds."""

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        Event.EVENTS[cls.__name__] = cls

    def without_secrets(self) -> "Event":
        """The event, without a password or a key that came into its texts with an error or an address."""
        texts = {name: value for name, value in self if isinstance(value, str)}
        changed = {name: shown for name, value in texts.items() if (shown := redacted(value)) != value}
        return self.model_copy(update=changed) if changed else self

    def to_line(self) -> str:
        """The event as one line of JSON, without the newline."""
        return json.dumps({"event": type(self).__name__, **self.model_dump()}, ensure_ascii=False, allow_nan=True)


def parse(line: str) -> Event | None:
    """The event on ``line``, or None if the line is damaged or of an event this version does not know."""
    try:
        record = json.loads(line)
        return Event.EVENTS[record.pop("event")].model_validate(record)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, ValidationError):
        return None


class Queued(Event):
    """The run was created and is queued."""

    name: str
    method: str = "sft"
    """The type of its method, which says how its numbers are read."""


class Started(Event):
    """A worker took the device for this run."""

    device: str
    """The machine in words, e.g. ``CPU, 2 cores, 23 GB``."""
    versions: dict[str, str] = {}
    """Version of each library that decides the result."""


class Requeued(Event):
    """Someone asked a run that had ended to go on."""


class Resumed(Event):
    """The run went on from a checkpoint; what was said of later steps no longer counts."""

    step: int


class FellBack(Event):
    """The run was out of memory, and continues with settings that need less."""

    settings: dict[str, Any]
    """The settings that changed, by their dotted path in the recipe, e.g. ``{"training.accumulation": 2}``."""
    reason: str
    """What was changed and why, as a sentence."""


class Entered(Event):
    """A phase of the run began."""

    phase: Phase


class Pinned(Event):
    """It is known which version of a model on the Hub the run reads, also when it is resumed."""

    commit: str


class Fetched(Event):
    """So much of the model was downloaded."""

    done_bytes: int
    """Of its weights, what was here before the run among them."""
    total_bytes: int
    bytes_per_s: float | None = None

    @property
    def share(self) -> float:
        """The part that is here, 0 to 1."""
        return self.done_bytes / self.total_bytes if self.total_bytes else 1.0

    @property
    def eta_s(self) -> float | None:
        """Seconds until the rest is here, at this rate; None while it is unknown."""
        return (self.total_bytes - self.done_bytes) / self.bytes_per_s if self.bytes_per_s else None


class Chose(Event):
    """An automatic choice, with its reason."""

    what: str
    """The setting, e.g. ``precision``."""
    value: str
    reason: str


class Noted(Event):
    """Something the person should know: a fallback, rows left out, a warning."""

    message: str
    level: Literal["info", "warning"] = "info"


class Fingerprinted(Event):
    """It is known what the run is made from, each as a hash (``finetune.runs.fingerprint``)."""

    rows: str
    """Of the tokenized rows."""
    base: str
    """Of the base's weights."""
    start: str = ""
    """Of the earlier run's tuned model that it trains further; empty if it starts from the base."""


class Planned(Event):
    """The work ahead is known."""

    total_steps: int
    train_rows: int
    held_out_rows: int
    trained_tokens: int
    """Tokens per epoch that carry loss."""
    parameters: int
    trainable: int


class Stepped(Event):
    """The optimizer took a step."""

    step: int
    epoch: float
    loss: float
    learning_rate: float
    grad_norm: float | None = None
    tokens_per_s: float | None = None
    gauges: dict[str, float] = {}
    """What was measured of the machine, by the names of ``finetune.machine.gauges``."""
    elapsed_s: float = 0.0
    """Seconds of training so far, pauses and earlier sittings left out."""
    metrics: dict[str, float] = {}
    """What else the method reports, e.g. ``margin`` and ``accuracy`` for DPO."""


class Evaluated(Event):
    """The model was evaluated on the held-out rows."""

    step: int
    loss: float
    metrics: dict[str, float] = {}


class Answer(Settings):
    """What base and tuned said to one fixed prompt."""

    prompt: str
    base: str
    tuned: str


class Sampled(Event):
    """The model answered the fixed prompts, so that a person sees it change."""

    step: int
    answers: tuple[Answer, ...]


class Saved(Event):
    """Something can be read from the run directory from now on."""

    what: Literal["checkpoint", "model"]
    path: str
    """Relative to the run directory."""
    step: int


class Ended(Event):
    """The run is over, one way or another."""

    state: Literal["done", "stopped", "failed", "paused", "interrupted"]
    code: str = ""
    """For a failure: ``recipe``, ``data``, ``model``, ``run``, ``busy``, ``memory``, ``disk``, ``diverged``, ``gpu`` or
    ``bug``."""
    message: str = ""
    hint: str = ""

"""What an evaluation found: base and tuned on the same rows, as it stands in a run's ``scores`` folder.

    scores/KEY/request.yaml     what was asked for; KEY is ``held-out`` for the evaluation at the end of the run
    scores/KEY/scores.json      what was found (``Scores``), written last
    scores/KEY/rows.jsonl       each row with both answers (``Row``), a line each
    scores/KEY/failed.json      why nothing was found: message and hint

All figures are here and no sentences: ``finetune.evaluation.verdict`` says what they mean.
"""

from typing import Literal

from finetune.evaluation.statistics import ALPHA
from finetune.settings import Settings

PartName = Literal["asked", "general", "trained"]
"""``asked``: the rows that the evaluation is about, held out of the run or of another file. ``general``: questions that
have nothing to do with the data, for what was forgotten. ``trained``: rows that the run was trained on."""


class Bounds(Settings):
    """A value with its 95 % confidence interval."""

    value: float
    low: float
    high: float


class Score(Settings):
    """One metric of base and tuned on the rows that it applies to."""

    metric: str
    """A name of ``finetune.evaluation.metrics.METRICS``."""
    better: Literal["higher", "lower", ""] = "higher"
    """Which direction is better; empty where neither is."""
    rows: int
    base: Bounds
    tuned: Bounds
    difference: Bounds
    """Tuned minus base."""
    p: float
    """Of the paired test that base and tuned are alike."""
    p_adjusted: float
    """The same by Holm's correction, for the metrics that are read at once: all but the main one."""

    @property
    def outcome(self) -> Literal["better", "worse", "unclear"]:
        """What the tuned model is, unless chance could explain the difference."""
        if self.p_adjusted >= ALPHA or not self.better or not self.difference.value:
            return "unclear"
        return "better" if (self.difference.value > 0) == (self.better == "higher") else "worse"


class Confusion(Settings):
    """How often each expected label got each answer."""

    labels: tuple[str, ...]
    """Expected labels, most frequent first; the last column of the counts is any other answer."""
    base: tuple[tuple[int, ...], ...]
    """(L, L + 1) counts: a row for each expected label, a column for each answered one."""
    tuned: tuple[tuple[int, ...], ...]


class Part(Settings):
    """Base and tuned on one set of rows."""

    name: PartName
    data: str
    """The file that the rows come from, by its name."""
    rows: int
    """How many rows were evaluated."""
    of: int
    """How many there were."""
    main: str
    """The metric that decides, ``Score.metric``."""
    reason: str
    """Why that one."""
    scores: tuple[Score, ...]
    confusion: Confusion | None = None

    def score(self, metric: str) -> Score | None:
        """The score by ``metric``; None if it was not taken."""
        return next((each for each in self.scores if each.metric == metric), None)

    @property
    def deciding(self) -> Score:
        """The score by the main metric."""
        return next(each for each in self.scores if each.metric == self.main)


class Kept(Settings):
    """What the tuned model still knows of the general questions that the base answers right."""

    known: int
    """General questions that the base answers right."""
    still: int
    """How many of these the tuned model answers right."""
    share: Bounds
    """``still / known`` with its Wilson interval."""


class Memorized(Settings):
    """What the tuned model repeats of its training rows."""

    rows: int
    """Training rows that were asked."""
    verbatim: int
    """How many of their answers the tuned model gave word for word, of those long enough not to be chance."""
    base_verbatim: int
    """The same for the base."""
    fresh: int = 0
    """Held-out rows with such answers."""
    fresh_verbatim: int = 0
    """How many of these the tuned model gave word for word: what the task decides is no memorization."""
    secrets: int = 0
    """Secret-looking texts of the data, such as keys or card numbers, that were tried."""
    completed: tuple[str, ...] = ()
    """Where those are that the tuned model completes and the base does not, e.g. ``row 17: e-mail address``."""


class Judged(Settings):
    """What a judge said of the answers; an opinion, not a measurement."""

    judge: str
    """The judging model."""
    rows: int
    wins: int
    """How often it chose tuned in both orders."""
    losses: int
    undecided: int
    """How often it chose neither, or another one in the other order."""
    contradicted: int
    """How often its choice changed with the order alone."""


class Scores(Settings):
    """Everything that an evaluation found."""

    at: float
    """When, in Unix seconds."""
    run: str
    asked: Part
    general: Part | None = None
    kept: Kept | None = None
    trained: Part | None = None
    memorized: Memorized | None = None
    judged: Judged | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    """What else should be known: rows left out, a time limit reached."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every part that there is."""
        return tuple(part for part in (self.asked, self.general, self.trained) if part)


class Answered(Settings):
    """One model's answer to one row."""

    text: str
    tokens: int
    is_truncated: bool = False
    """True if it was ended by the longest answer and not by the model."""
    values: dict[str, float] = {}
    """By metric; without those that do not apply to the row."""


class Row(Settings):
    """One row with both answers."""

    part: PartName
    row: int
    """Its place among the rows of the part, from 0."""
    question: str
    """The last turn before the answer."""
    expected: str
    """The answer of the data; empty if it has none."""
    base: Answered
    tuned: Answered

"""The report on a dataset: every row is kept, rejected, truncated, or without trained tokens; with findings and advice.

It examines the exact token sequences that a method trains on, one example at a time. Of a large dataset, only an evenly
spaced sample is tokenized, and what follows from tokens is then marked as an estimate.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from finetune.csv_file import csv_of
from finetune.data import near
from finetune.data.ahead import ahead
from finetune.data.checks import CHECKS, Check, Evidence, Finding, Seen
from finetune.data.checks.answers import Answers
from finetune.data.checks.check import look, most_severe_first, spread
from finetune.data.counts import Counts
from finetune.data.dataset import Dataset
from finetune.data.detected import Detected
from finetune.data.fixes import deduplicate, drop
from finetune.data.histogram import Bins, bins_of, percentile
from finetune.data.pieces import training_rows
from finetune.data.stages import Stage, stages_of
from finetune.data.summary import summaries
from finetune.data.table import Rejected
from finetune.data.tokens import TokenSequence
from finetune.errors import DataError

BUDGET = 20_000
"""Up to this many examples are all tokenized, which takes about ten seconds."""
SAMPLE = 2_000
"""Examples tokenized of a larger dataset, evenly spaced: shares are then known to about two percentage points."""
BATCH = 32
"""Examples that a thread tokenizes at a time."""
FIXED = {drop.REASON, deduplicate.REASON, deduplicate.NEAR_REASON}
"""Reasons of rows that a person left out: nothing is wrong with those."""

Progress = Callable[[float], None]
Advise = Callable[[str, int, int], str]
"""``Method.advice``: what to expect of so many examples of a kind, with so many fixed answers."""
Sequences = Callable[[dict], tuple[TokenSequence, ...]]


@dataclass
class Report:
    """What became of the rows: ``rows`` = ``kept`` + ``rejected`` + ``nothing_to_train_on``, if all were tokenized."""

    detected: Detected
    """How the rows are understood."""
    rows: int
    kept: int = 0
    """Rows that are trained on."""
    rejected: list[Rejected] = field(default_factory=list)
    truncated: list[int] = field(default_factory=list)
    """Rows of which a sequence is truncated."""
    nothing_to_train_on: list[int] = field(default_factory=list)
    """Rows without trained tokens, usually because the answer is truncated."""
    counts: Counts = Counts()
    """Of the kept rows."""
    longest: int = 0
    """Tokens of the longest sequence of all rows, before truncation."""
    p99_length: int = 0
    """99 % of the examples fit in this many tokens."""
    findings: list[Finding] = field(default_factory=list)
    advice: str = ""
    stages: list[Stage] = field(default_factory=list)
    token_histogram: Bins = field(default_factory=list)
    """Tokens of the longest sequence of an example, before truncation."""
    turn_histogram: Bins = field(default_factory=list)
    """Turns of an example, without the system prompt; empty for plain text."""
    sampled_from: int = 0
    """How many examples were tokenized, if not all: what follows from tokens is then extrapolated from them, and the
    lists of rows that are truncated or have no trained tokens hold only those among them."""

    def rejected_csv(self) -> bytes:
        """The rejected rows as a CSV file: row, line, reason; and the file, if there are several."""
        files = any(rejected.file for rejected in self.rejected)
        rows = ([each.row, each.line or "", each.reason, each.file] for each in self.rejected)
        return csv_of(["row", "line", "reason", "file"][: 3 + files], (row[: 3 + files] for row in rows))

    def to_dict(self) -> dict:
        """The report as JSON values, with the keys of ``finetune check --json``."""
        return {
            **self.detected.to_dict(),
            "rows": self.rows,
            "kept": self.kept,
            "rejected": [{"row": row.row, "line": row.line, "reason": row.reason} for row in self.rejected],
            "truncated": self.truncated,
            "nothing_to_learn": self.nothing_to_train_on,
            "tokens": self.counts.tokens,
            "trained_tokens": self.counts.trained,
            "longest": self.longest,
            "p99_length": self.p99_length,
            "sampled_from": self.sampled_from,
            "stages": [
                {"name": stage.name, "count": stage.count, "removed": stage.removed, "estimated": stage.estimated}
                for stage in self.stages
            ],
            "token_histogram": [list(each) for each in self.token_histogram],
            "turn_histogram": [list(each) for each in self.turn_histogram],
            "findings": [_finding_values(finding) for finding in self.findings],
            "advice": self.advice,
        }


def _finding_values(finding: Finding) -> dict:
    values = {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "rows": list(finding.rows),
    }
    if finding.fix:
        values["fix"] = finding.fix.model_dump(mode="json")
    if finding.length:
        values["length"] = finding.length
    if finding.change:
        values["change"] = finding.change
    return values


def check(
    dataset: Dataset,
    sequences: Sequences,
    length: int = 1024,
    held_out: Dataset | None = None,
    budget: int | None = None,
    progress: Progress | None = None,
    advise: Advise | None = None,
) -> Report:
    """The report on ``dataset`` with ``sequences(example)`` as the token sequences that a method trains on.

    ``length`` is the maximum tokens of a sequence, and ``held_out`` the file of held-out rows, if there is one; at most
    ``budget`` examples are tokenized (by default see ``BUDGET``), and ``progress`` receives the share of examples seen.
    A conversation that the model's chat template refuses is rejected with the template's reason; if it refuses all of
    them, that is a ``DataError``.
    """
    report = Report(dataset.detected, dataset.total_rows, rejected=list(dataset.rejected))
    count = len(dataset.examples)
    evidence = Evidence(dataset, held_out, length, spread(count, budget or (BUDGET if count <= BUDGET else SAMPLE)))
    report.sampled_from = len(evidence.sample) if evidence.is_sampled else 0
    checks, turns = [cls() for cls in CHECKS], Counter()
    measured = _Measurements(answered_later=dataset.kind == "prompt")
    for seen, made in _tokenized(_pass(evidence, turns, checks, progress), sequences):
        measured.add(seen, made)
        evidence.texts.append(near.text_of(seen.example))
    measured.conclude(report, evidence)
    found = [_without_emptying(finding, report.kept) for check in checks for finding in check.findings(evidence)]
    report.findings = most_severe_first(found)
    left_out = tuple(rejected.row for rejected in report.rejected if rejected.reason in FIXED)
    report.stages = stages_of(evidence, left_out)
    report.token_histogram = bins_of(measured.lengths, evidence.scale)
    report.turn_histogram = bins_of(turns)
    labels = next((check.balance.labels for check in checks if isinstance(check, Answers)), 0)
    report.advice = advise(dataset.kind, report.kept, labels) if advise else ""
    return report


def _without_emptying(finding: Finding, kept: int) -> Finding:
    """``finding`` without its button if that would leave no row to train on."""
    leaves_none = isinstance(finding.fix, drop.Drop) and len(finding.rows) >= kept
    return replace(finding, fix=None, button="") if leaves_none else finding


def _pass(evidence: Evidence, turns: Counter, checks: list[Check], progress: Progress | None) -> Iterator[Seen]:
    """Each example of the sample; meanwhile the checks see all examples, in the only pass over them."""
    examples, rows = evidence.dataset.examples, evidence.dataset.rows
    cheap = [check for check in checks if not check.is_expensive]
    expensive = [check for check in checks if check.is_expensive]
    wanted = iter(evidence.sample)
    following = next(wanted, None)
    for summary in summaries(examples, rows, evidence.dataset.kind):
        if progress:
            progress(summary.start / len(examples))
        evidence.fingerprints.extend(summary.fingerprints)
        turns.update(summary.turns)
        for check in cheap:
            check.see_summary(summary)
            for seen in summary.candidates:
                check.see(seen)
        stop = summary.start + len(summary.fingerprints)
        while following is not None and following < stop:
            seen = look(following, rows[following], examples[following])
            for check in expensive:
                check.see(seen)
            yield seen
            following = next(wanted, None)


def _tokenized(
    sample: Iterator[Seen], sequences: Sequences
) -> Iterator[tuple[Seen, tuple[TokenSequence, ...] | DataError]]:
    """Each example with its token sequences, or the error; in threads, since tokenizers release the GIL."""

    def work(some: list[Seen]) -> list:
        return [(seen, _tried(sequences, seen.example)) for seen in some]

    # A tokenizer initializes itself at its first use, which is not thread-safe.
    yield from work(list(islice(sample, 1)))
    groups = iter(lambda: list(islice(sample, BATCH)), [])
    yield from chain.from_iterable(ahead(work, groups))


def _tried(sequences: Sequences, example: dict) -> tuple[TokenSequence, ...] | DataError:
    try:
        return sequences(example)
    except DataError as error:
        return error


def _left_out(dataset: Dataset, row: int, error: DataError) -> Rejected:
    return dataset.left_out(row, error.message, error.fix)


class _Measurements:
    """What is measured on the token sequences of the sample."""

    def __init__(self, answered_later: bool = False):
        self.answered_later = answered_later
        """True for prompts, which the model answers in training: a whole one is trained on without trained tokens."""
        self.lengths: Counter[int] = Counter()
        """Tokens of an example's longest sequence, before truncation -> number of examples."""
        self.rows: set[int] = set()
        self.trained: set[int] = set()
        self.truncated: set[int] = set()
        self.refused: dict[int, DataError] = {}
        self.counts = Counts()
        self.pieces = 0
        """Training rows beside the first that texts become."""

    def add(self, seen: Seen, sequences: tuple[TokenSequence, ...] | DataError) -> None:
        self.rows.add(seen.row)
        if isinstance(sequences, DataError):
            self.refused[seen.row] = sequences
            return
        self.lengths[max(sequence.full_length for sequence in sequences)] += 1
        is_truncated = any(sequence.is_truncated for sequence in sequences)
        if is_truncated:
            self.truncated.add(seen.row)
        if all(each.has_trained_tokens for each in sequences) or (self.answered_later and not is_truncated):
            self.trained.add(seen.row)
            rows = training_rows(seen.example, sequences)
            self.pieces += len(rows) - 1
            self.counts = sum(map(Counts.of, rows), self.counts)

    def conclude(self, report: Report, evidence: Evidence) -> None:
        """Fill in ``report`` and ``evidence`` after the last example; ``DataError`` if all were refused."""
        if self.refused and not self.lengths:
            raise next(iter(self.refused.values()))
        lost = self.rows - self.trained
        refused = [_left_out(evidence.dataset, row, self.refused[row]) for row in lost if row in self.refused]
        report.rejected = sorted(report.rejected + refused, key=lambda rejected: rejected.row)
        report.nothing_to_train_on = sorted(row for row in lost if row not in self.refused)
        report.truncated = sorted(self.truncated)
        report.longest = max(self.lengths, default=0)
        report.p99_length = percentile(self.lengths, 99)
        removed = len(evidence.dataset.rejected) + evidence.estimated(len(refused))
        report.kept = max(0, report.rows - removed - evidence.estimated(len(report.nothing_to_train_on)))
        rows = report.kept + evidence.estimated(self.pieces)
        report.counts = replace(self.counts.times(evidence.scale), rows=rows)
        evidence.rejected = [rejected for rejected in report.rejected if rejected.reason not in FIXED]
        evidence.truncated, evidence.nothing_to_train_on = report.truncated, report.nothing_to_train_on
        evidence.kept, evidence.longest, evidence.p99_length = report.kept, report.longest, report.p99_length

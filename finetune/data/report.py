"""What happened to every row: kept, rejected, cut, or left with nothing to learn; and what to make of it.

It looks at the very pieces a method trains on, one example at a time. Of a large dataset only a spread sample is
tokenized, and what follows from the tokens is then an estimate that says so.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from finetune.data import near
from finetune.data.ahead import ahead
from finetune.data.checks import CHECKS, Check, Evidence, Finding, Seen
from finetune.data.checks.answers import Answers
from finetune.data.checks.check import look, most_severe_first, spread
from finetune.data.counts import Counts
from finetune.data.dataset import Dataset
from finetune.data.fixes import deduplicate, drop
from finetune.data.summary import summaries
from finetune.data.table import Rejected
from finetune.data.tokens import TokenSequence
from finetune.errors import DataError

BUDGET = 20_000
"""Up to so many examples are all tokenized, which takes about ten seconds."""
SAMPLE = 2_000
"""Of more examples so many are, spread over all: shares are then known to about two percent."""
TOGETHER = 32
"""So many are tokenized by a thread at a time."""
BINS = 20
"""Bars of a histogram, about."""
FIXED = {drop.REASON, deduplicate.REASON, deduplicate.NEAR_REASON}
"""Why rows are rejected that a person left out: nothing is wrong with those."""

Progress = Callable[[float], None]
Advise = Callable[[str, int, int], str]
"""``Method.advice``: what to expect of so many examples of a kind, with so many fixed answers."""
Sequences = Callable[[dict], tuple[TokenSequence, ...]]
Bins = list[tuple[int, int, int]]
"""Of a histogram: lowest and highest value, both in the bin, and how many rows have one."""


@dataclass(frozen=True)
class Stage:
    """One step on the way of the rows. Those read, less those of each stage that is ``removed``, are those kept."""

    name: str
    """For programs: ``read``, ``rejected``, ``duplicates`` …"""
    count: int
    """How many rows."""
    words: str
    """What became of them: ``Repeat an earlier row``."""
    rows: tuple[int, ...] = ()
    """Which; empty for ``read`` and ``kept``."""
    removed: bool = False
    """True if these rows are not learnt from."""
    estimated: bool = False
    """True if ``count`` was worked out from a sample, of which ``rows`` are."""


@dataclass
class Report:
    """The survival of the rows: ``rows`` = ``kept`` + rejected + nothing to learn, if all of them were looked at."""

    format: str
    rows: int
    kept: int = 0
    """Rows that are learnt from."""
    rejected: list[Rejected] = field(default_factory=list)
    truncated: list[int] = field(default_factory=list)
    """Rows of which something is cut off."""
    nothing_to_train_on: list[int] = field(default_factory=list)
    """Rows without any token to learn, usually because the answer lies behind the cut."""
    counts: Counts = Counts()
    """Of the kept rows."""
    longest: int = 0
    """Tokens of the longest sequence of all rows, before the cut."""
    p99_length: int = 0
    """99 % of the examples fit in this many tokens."""
    findings: list[Finding] = field(default_factory=list)
    advice: str = ""
    stages: list[Stage] = field(default_factory=list)
    token_histogram: Bins = field(default_factory=list)
    """Tokens of the longest sequence of an example, before the cut."""
    turn_histogram: Bins = field(default_factory=list)
    """Turns of an example, instructions not counted; empty for plain text."""
    sampled_from: int = 0
    """How many examples were tokenized if not all: what follows from tokens is then estimated from them, and the lists
    of rows that were cut or have nothing to learn hold those found among them."""

    def rejected_csv(self) -> str:
        """The rejected rows as a table: row, line, reason; and the file, where there are several."""
        files = any(rejected.file for rejected in self.rejected)
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["row", "line", "reason", "file"][: 3 + files])
        for rejected in self.rejected:
            table.writerow([rejected.row, rejected.line or "", rejected.reason, rejected.file][: 3 + files])
        return text.getvalue()

    def to_dict(self) -> dict:
        """The report as JSON values, under the names that ``finetune check --json`` prints."""
        return {
            "format": self.format,
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
            "findings": [_finding(finding) for finding in self.findings],
            "advice": self.advice,
        }


def _finding(finding: Finding) -> dict:
    told = {"code": finding.code, "severity": finding.severity, "message": finding.message, "rows": list(finding.rows)}
    if finding.fix:
        told["fix"] = finding.fix.model_dump(mode="json")
    if finding.length:
        told["length"] = finding.length
    return told


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

    ``length`` is the tokens that a sequence may have, and ``held_out`` the file of rows kept for checking; at most
    ``budget`` examples are tokenized (by default see ``BUDGET``), and ``progress`` is told now and then which share of
    all was seen. A
    conversation that the model's chat template refuses is rejected with the template's reason; if it refuses every
    one, ``DataError`` says so.
    """
    report = Report(dataset.format, dataset.total_rows, rejected=list(dataset.rejected))
    count = len(dataset.examples)
    evidence = Evidence(dataset, held_out, length, spread(count, budget or (BUDGET if count <= BUDGET else SAMPLE)))
    report.sampled_from = len(evidence.sample) if evidence.is_sampled else 0
    checks, measured, turns = [cls() for cls in CHECKS], _Measured(), Counter()
    for seen, made in _tokenized(_walk(evidence, turns, checks, progress), sequences):
        measured.add(seen, made)
        evidence.texts.append(near.said(seen.example))
    measured.conclude(report, evidence)
    found = [_sparing(finding, report.kept) for check in checks for finding in check.tell(evidence)]
    report.findings = most_severe_first(found)
    report.stages = _stages(report, evidence)
    report.token_histogram = histogram(measured.lengths, evidence.scale)
    report.turn_histogram = histogram(turns)
    labels = next((check.balance.labels for check in checks if isinstance(check, Answers)), 0)
    report.advice = advise(dataset.kind, report.kept, labels) if advise else ""
    return report


def _sparing(finding: Finding, kept: int) -> Finding:
    """``finding`` without its button if that would leave no row to learn from."""
    leaves_none = isinstance(finding.fix, drop.Drop) and len(finding.rows) >= kept
    return replace(finding, fix=None, button="") if leaves_none else finding


def _walk(evidence: Evidence, turns: Counter, checks: list[Check], progress: Progress | None) -> Iterator[Seen]:
    """Each example of the sample, while all are shown to the checks; the one time that all are read."""
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
            check.pass_over(summary)
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
    walk: Iterator[Seen], sequences: Sequences
) -> Iterator[tuple[Seen, tuple[TokenSequence, ...] | DataError]]:
    """Each example with its token sequences, or why it has none; tokenizers work beside the interpreter's lock."""

    def work(some: list[Seen]) -> list:
        return [(seen, _tried(sequences, seen.example)) for seen in some]

    # A tokenizer sets itself up when it is first used, and does not take two threads at that.
    yield from work(list(islice(walk, 1)))
    groups = iter(lambda: list(islice(walk, TOGETHER)), [])
    yield from chain.from_iterable(ahead(work, groups))


def _tried(sequences: Sequences, example: dict) -> tuple[TokenSequence, ...] | DataError:
    try:
        return sequences(example)
    except DataError as error:
        return error


class _Measured:
    """What the tokens of the sample say."""

    def __init__(self):
        self.lengths: Counter[int] = Counter()
        """Tokens of an example's longest sequence, before the cut -> how many examples."""
        self.rows: set[int] = set()
        self.learning: set[int] = set()
        self.truncated: set[int] = set()
        self.refused: dict[int, DataError] = {}
        self.counts = Counts()

    def add(self, seen: Seen, sequences: tuple[TokenSequence, ...] | DataError) -> None:
        self.rows.add(seen.row)
        if isinstance(sequences, DataError):
            self.refused[seen.row] = sequences
            return
        self.lengths[max(sequence.full_length for sequence in sequences)] += 1
        if any(sequence.is_truncated for sequence in sequences):
            self.truncated.add(seen.row)
        if all(sequence.has_trained_tokens for sequence in sequences):
            self.learning.add(seen.row)
            self.counts += Counts.of(sequences)

    def conclude(self, report: Report, evidence: Evidence) -> None:
        """Fill in what is known only once every example was seen; ``DataError`` if all were refused."""
        if self.refused and not self.lengths:
            raise next(iter(self.refused.values()))
        lost = self.rows - self.learning
        refused = [evidence.dataset.left_out(row, self.refused[row].message) for row in lost if row in self.refused]
        report.rejected = sorted(report.rejected + refused, key=lambda rejected: rejected.row)
        report.nothing_to_train_on = sorted(row for row in lost if row not in self.refused)
        report.truncated = sorted(self.truncated)
        report.longest = max(self.lengths, default=0)
        report.p99_length = _fitting(self.lengths, 99)
        removed = len(evidence.dataset.rejected) + evidence.estimated(len(refused))
        report.kept = max(0, report.rows - removed - evidence.estimated(len(report.nothing_to_train_on)))
        report.counts = replace(self.counts.times(evidence.scale), rows=report.kept)
        evidence.rejected = [rejected for rejected in report.rejected if rejected.reason not in FIXED]
        evidence.truncated, evidence.nothing_to_train_on = report.truncated, report.nothing_to_train_on
        evidence.kept, evidence.longest, evidence.fitting = report.kept, report.longest, report.p99_length


def _fitting(lengths: Counter[int], percent: int) -> int:
    """The length that ``percent`` of the examples have or stay below; 0 if there are none."""
    wanted, seen = -(-lengths.total() * percent // 100), 0
    for length in sorted(lengths):
        seen += lengths[length]
        if seen >= wanted:
            return length
    return 0


def _stages(report: Report, evidence: Evidence) -> list[Stage]:
    """The way of the rows, in the order in which they are lost."""
    left_out = tuple(rejected.row for rejected in report.rejected if rejected.reason in FIXED)
    rejected = tuple(sorted(row.row for row in evidence.rejected))
    stages = [Stage("read", report.rows, "Read")]
    if left_out:
        stages.append(Stage("left_out", len(left_out), "Left out by you", left_out, removed=True))
    # The remainder, so that the counts add up in a sample too.
    unlearnable = evidence.estimated(len(report.nothing_to_train_on))
    lost = report.rows - len(left_out) - unlearnable - report.kept
    stages.append(Stage("rejected", lost, "Cannot be read", rejected, removed=True, estimated=lost != len(rejected)))
    stages.append(_among("duplicates", evidence.duplicates, "Repeat an earlier row"))
    few = f", among {len(evidence.sample):,} looked at" if evidence.is_sampled else ""
    stages.append(_among("near_duplicates", evidence.near_duplicates, f"Nearly repeat an earlier row{few}"))
    if evidence.held_out is not None:
        stages.append(_among("leakage", evidence.leaks, "Are kept for checking too"))
        stages.append(
            _sampled("near_leakage", evidence.near_leaks, "Are nearly the same as one kept for checking", evidence)
        )
    stages.append(_sampled("truncated", report.truncated, f"Cut off at {evidence.length:,} tokens", evidence))
    stages.append(
        _sampled("nothing_to_learn", report.nothing_to_train_on, "Nothing left to learn", evidence, removed=True)
    )
    return [*stages, Stage("kept", report.kept, "Learnt from", estimated=evidence.is_sampled)]


def _among(name: str, rows: list[int], words: str) -> Stage:
    return Stage(name, len(rows), words, tuple(rows))


def _sampled(name: str, rows: list[int], words: str, evidence: Evidence, removed: bool = False) -> Stage:
    """A stage that follows from the sample."""
    if evidence.is_sampled:
        words = f"{words} (estimated from {len(evidence.sample):,} rows)"
    return Stage(name, evidence.estimated(len(rows)), words, tuple(rows), removed, evidence.is_sampled)


def histogram(values: Counter[int], scale: float = 1.0) -> Bins:
    """About ``BINS`` bins of one round width over ``values``, the last as wide as it must be; counts times ``scale``.

    The few longest rows would else squeeze all others into one bin.
    """
    if not values:
        return []
    least, most, usual = min(values), max(values), _fitting(values, 98)
    width = _round_width(usual - least + 1)
    start = least // width * width
    last = (usual - start) // width
    counts: Counter[int] = Counter()
    for value, times in values.items():
        counts[min((value - start) // width, last)] += times
    bins = [(start + n * width, start + (n + 1) * width - 1, round(counts[n] * scale)) for n in range(last + 1)]
    low, high, count = bins[-1]
    return [*bins[:-1], (low, max(high, most), count)]


def _round_width(span: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50 … that covers ``span`` in ``BINS`` steps."""
    width = 1
    while True:
        for factor in (1, 2, 5):
            if width * factor * BINS >= span:
                return width * factor
        width *= 10

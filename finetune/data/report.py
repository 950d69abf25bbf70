"""What happened to every row: kept, rejected, cut, or left with nothing to learn; and what to make of it.

It looks at the very pieces a method trains on, one example at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from finetune.data.dataset import Dataset, content_hash
from finetune.data.table import Rejected
from finetune.data.tokens import Piece
from finetune.errors import DataError

FEW_ROWS = 100
"""Below it, a prompt with examples in it usually does as well as training."""
TOO_FEW_ROWS = 10
"""Below it, a model learns rows by heart and nothing can be kept for checking."""
MANY_ROWS = 10_000
"""From here on there is enough to change every weight without learning the rows by heart."""


@dataclass(frozen=True)
class Finding:
    """Something a person should know of the data."""

    severity: Literal["info", "warning", "problem"]
    message: str
    rows: tuple[int, ...] = ()
    """The rows it concerns; empty if it concerns all."""


@dataclass
class Report:
    """The survival of the rows: ``rows`` = ``kept`` + rejected + nothing to learn."""

    format: str
    rows: int
    kept: int = 0
    """Rows that are learnt from."""
    rejected: list[Rejected] = field(default_factory=list)
    truncated: list[int] = field(default_factory=list)
    """Rows of which something is cut off."""
    nothing_to_learn: list[int] = field(default_factory=list)
    """Rows without any token to learn, usually because the answer lies behind the cut."""
    tokens: int = 0
    """Tokens of the kept rows after the cut; both sequences of a pair count."""
    trained_tokens: int = 0
    """Those of them that are learnt."""
    longest: int = 0
    """Tokens of the longest sequence before the cut."""
    p99_length: int = 0
    """99 % of the examples fit in this many tokens."""
    findings: list[Finding] = field(default_factory=list)
    advice: str = ""

    def to_dict(self) -> dict:
        """The report as JSON values, under the names that ``finetune check --json`` prints."""
        return {
            "format": self.format,
            "rows": self.rows,
            "kept": self.kept,
            "rejected": [{"row": row.row, "reason": row.reason} for row in self.rejected],
            "truncated": self.truncated,
            "nothing_to_learn": self.nothing_to_learn,
            "tokens": self.tokens,
            "trained_tokens": self.trained_tokens,
            "longest": self.longest,
            "p99_length": self.p99_length,
            "findings": [
                {"severity": finding.severity, "message": finding.message, "rows": list(finding.rows)}
                for finding in self.findings
            ],
            "advice": self.advice,
        }


def check(dataset: Dataset, pieces: Callable[[dict], tuple[Piece, ...]]) -> Report:
    """The report on ``dataset`` with ``pieces(example)`` as the token sequences that a method trains on.

    A conversation that the model's chat template refuses is rejected with the template's reason; if it refuses
    every one, ``DataError`` says so.
    """
    report = Report(dataset.format, dataset.total_rows, rejected=list(dataset.rejected))
    lengths, learning, refused = [], set(), {}
    for example, row in zip(dataset.examples, dataset.rows):
        try:
            sequences = pieces(example)
        except DataError as error:
            refused[row] = error
            continue
        lengths.append(max(piece.full_length for piece in sequences))
        if any(piece.is_truncated for piece in sequences):
            report.truncated.append(row)
        if all(piece.learns for piece in sequences):
            learning.add(row)
            report.tokens += sum(len(piece.ids) for piece in sequences)
            report.trained_tokens += sum(sum(piece.trained) for piece in sequences)
    if refused and not lengths:
        raise next(iter(refused.values()))
    _conclude(report, dataset, lengths, learning, refused)
    return report


def _conclude(report: Report, dataset: Dataset, lengths: list[int], learning: set[int], refused: dict) -> None:
    """Fill in what is known only once every example was seen."""
    lengths.sort()
    report.longest = lengths[-1] if lengths else 0
    report.p99_length = lengths[-(-len(lengths) * 99 // 100) - 1] if lengths else 0
    report.kept = len(learning)
    report.truncated = sorted(set(report.truncated))
    lost = set(dataset.rows) - learning
    report.rejected += [Rejected(row, refused[row].message) for row in lost if row in refused]
    report.rejected.sort(key=lambda rejected: rejected.row)
    report.nothing_to_learn = sorted(row for row in lost if row not in refused)
    report.findings = _findings(report, dataset)
    report.advice = advice(dataset.kind, report.kept)


def _findings(report: Report, dataset: Dataset) -> list[Finding]:
    """Everything worth saying, the gravest first."""
    told = (_size(report), _unlearnable(report), _rejected(report), _same(dataset), _cut(report), _twice(dataset))
    return sorted(filter(None, told), key=lambda finding: ("problem", "warning", "info").index(finding.severity))


def _size(report: Report) -> Finding | None:
    if report.kept >= FEW_ROWS:
        return None
    few = f"Only {counted(report.kept)} to learn from."
    if report.kept < TOO_FEW_ROWS:
        return Finding("problem", f"{few} A model needs more to see a pattern in them.")
    return Finding(
        "warning",
        f"{few} Prefer prompting, with some of them as examples in the prompt; training pays off from some hundred on.",
    )


def _unlearnable(report: Report) -> Finding | None:
    lost = report.nothing_to_learn
    message = f"{_rows(lost, 'has', 'have')} nothing to learn at this length: the answer lies behind the cut."
    return Finding(_severity(lost, report.rows), message, tuple(lost)) if lost else None


def _rejected(report: Report) -> Finding | None:
    if not report.rejected:
        return None
    lost, first = [rejected.row for rejected in report.rejected], report.rejected[0]
    message = f"{_rows(lost, 'is', 'are')} left out; the first is {first.where}: {first.reason}"
    return Finding(_severity(lost, report.rows), message, tuple(lost))


def _same(dataset: Dataset) -> Finding | None:
    pairs = ((row, example) for row, example in zip(dataset.rows, dataset.examples) if "chosen" in example)
    same = [row for row, example in pairs if example["chosen"] == example["rejected"]]
    message = f"{_rows(same, 'has', 'have')} the same chosen and rejected answer, so there is nothing to prefer."
    return Finding(_severity(same, dataset.total_rows), message, tuple(same)) if same else None


def _cut(report: Report) -> Finding | None:
    cut = report.truncated
    if not cut:
        return None
    often = len(cut) > 0.01 * report.rows
    fits = f"99 % fit in {report.p99_length:,} tokens" if often else f"the longest has {report.longest:,} tokens"
    message = f"{_rows(cut, 'is', 'are')} longer than the length allows and cut off at the end; {fits}."
    return Finding("warning" if often else "info", message, tuple(cut))


def _twice(dataset: Dataset) -> Finding | None:
    seen, again = set(), []
    for example, row in zip(dataset.examples, dataset.rows):
        digest = content_hash(example)
        if digest in seen:
            again.append(row)
        seen.add(digest)
    severity = "warning" if len(again) > 0.1 * len(dataset.examples) else "info"
    return Finding(severity, f"{_rows(again, 'repeats', 'repeat')} an earlier one.", tuple(again)) if again else None


def _severity(lost: list[int], total: int) -> str:
    """A problem where it concerns most rows."""
    return "problem" if 2 * len(lost) > total else "warning"


def _rows(found: list[int], one: str, several: str) -> str:
    """``1 row has``, ``3 rows have``."""
    return f"{counted(len(found))} {one if len(found) == 1 else several}"


def advice(kind: str, count: int) -> str:
    """One sentence: the method that suits ``count`` rows of this kind, and why."""
    if kind == "preference":
        return "Pairs of answers: DPO with LoRA, which learns to prefer the better kind and changes little else."
    if kind == "text":
        return "Plain text: SFT with LoRA, which picks up its words and style; to answer questions it needs examples."
    named = counted(count)
    if count < FEW_ROWS:
        return f"{named}: LoRA, about 3 epochs; expect style, not facts: facts that change belong in retrieval."
    if count < MANY_ROWS:
        return f"{named} of answers: SFT with LoRA, which learns form and tone and keeps what the model knows."
    return f"{named} of answers: SFT with LoRA first; they are enough for SFT of all weights, if the memory is there."


def counted(count: int) -> str:
    """``1 row``, ``1,319 rows``."""
    return "1 row" if count == 1 else f"{count:,} rows"

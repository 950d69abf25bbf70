"""What a check is: it sees every example of a dataset once and then reports its findings.

All checks share one pass over the examples: a table of a million rows is read once, not once for each check.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal, get_args

from finetune.data import near
from finetune.data.dataset import Dataset
from finetune.data.fixes import Fix
from finetune.data.fixes.drop import Drop, ranges
from finetune.data.table import Rejected
from finetune.format import counted

Severity = Literal["info", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """What a check reports about the data."""

    severity: Severity
    message: str
    """A plain sentence."""
    rows: tuple[int, ...] = ()
    """The rows it is about; empty if it is about all."""
    fix: Fix | None = None
    """The change that one click makes, where that is safe."""
    length: int | None = None
    """The maximum length that one click sets, where that solves it."""
    change: dict[str, object] | None = None
    """Settings of the data that one click changes, where that solves it."""
    button: str = ""
    """The label of the button, if there is a ``fix``, a ``length`` or a ``change``."""
    needs_mapping: bool = False
    """True if saying which column is what solves it."""
    code: str = ""
    """The key of the finding, unique in a report: ``duplicates``, ``secrets`` …"""


@dataclass(slots=True)
class Seen:
    """One example as the checks see it."""

    position: int
    """In ``dataset.examples``."""
    row: int
    example: dict
    text: str
    """The text of all turns, tool calls included."""
    answers: list[str]
    """The answers to imitate: not the rejected answer of a pair, nor one with thumbs down."""
    turns: int = 0
    """Turns of the conversation with the chosen answer, without the system prompt."""
    tools: str = ""
    """The text of its tool definitions."""

    @property
    def all_text(self) -> str:
        """``text`` and ``tools``."""
        return f"{self.text}\n{self.tools}" if self.tools else self.text


@dataclass
class Summary:
    """Consecutive examples, most of them summarized; ``finetune.data.summary`` makes it."""

    start: int
    """The position of the first."""
    fingerprints: array
    """``near.fingerprint`` of each example."""
    candidates: list[Seen]
    """Those that checks see one by one."""
    turns: Counter[int]
    """Number of turns -> number of examples, candidates included."""
    answer_hashes: array = field(default_factory=lambda: array("q"))
    """``near.text_hash`` the answer of each other example that has one answer; that answer is long."""
    answer_positions: array = field(default_factory=lambda: array("q"))
    """The positions of those examples."""

    @property
    def others(self) -> int:
        """How many examples match no pre-filter and have no short answer."""
        return len(self.fingerprints) - len(self.candidates)


@dataclass
class Evidence:
    """What is known of all rows after the pass over them."""

    dataset: Dataset
    held_out: Dataset | None = None
    """The file of held-out rows, if there is one."""
    length: int = 1024
    """Maximum tokens of a sequence."""
    sample: range | array = range(0)
    """Positions of the examples that were tokenized: all, or an evenly spaced sample of a large dataset."""
    texts: list[str] = field(default_factory=list)
    """``near.text_of`` each of them."""
    fingerprints: array = field(default_factory=lambda: array("q"))
    """``near.fingerprint`` of each example in ``dataset.examples``."""
    rejected: list[Rejected] = field(default_factory=list)
    """Rows that cannot be read, or that the chat template refuses; without those that a fix left out."""
    truncated: list[int] = field(default_factory=list)
    nothing_to_train_on: list[int] = field(default_factory=list)
    """Rows without trained tokens. Like ``truncated``, only rows of the sample."""
    kept: int = 0
    longest: int = 0
    p99_length: int = 0
    """99 % of the examples fit in this many tokens."""

    @property
    def is_sampled(self) -> bool:
        """True if only a sample of the dataset was tokenized."""
        return len(self.sample) < len(self.dataset.examples)

    @property
    def scale(self) -> float:
        """How many examples each one in the sample represents."""
        return len(self.dataset.examples) / len(self.sample) if self.is_sampled else 1.0

    def estimated(self, count: int) -> int:
        """``count`` rows of the sample, extrapolated to all rows."""
        return round(count * self.scale)

    def counted_rows(self, count: int, one: str, several: str) -> str:
        """``1 row has``, ``3 rows have``; ``About 3,000 rows have`` if estimated from a sample."""
        if not self.is_sampled:
            return counted_rows(count, one, several)
        return f"About {counted_rows(self.estimated(count), one, several)}"

    @cached_property
    def duplicates(self) -> list[int]:
        """Rows with an example that equals an earlier one."""
        return self._rows(near.duplicate_positions(self.fingerprints))

    @cached_property
    def near_duplicates(self) -> list[int]:
        """Rows of the sample that are near-duplicates of an earlier one, without exact duplicates."""
        known, among = len(self._held_texts), set(near.duplicate_positions(self.fingerprints))
        pairs = [(one - known, other - known) for one, other in self._alike if one >= known]
        positions = {self.sample[place] for place in near.followers(pairs)}
        return self._rows(positions - among)

    @cached_property
    def leaks(self) -> list[int]:
        """Rows that are also among the held-out rows."""
        if self.held_out is None:
            return []
        kept = set(map(near.fingerprint, self.held_out.examples))
        return self._rows(place for place, number in enumerate(self.fingerprints) if number in kept)

    @cached_property
    def near_leaks(self) -> list[int]:
        """Rows of the sample that are near-duplicates of a held-out row, without ``leaks``."""
        known = len(self._held_texts)
        positions = {self.sample[other - known] for one, other in self._alike if one < known <= other}
        return sorted(set(self._rows(positions)) - set(self.leaks))

    @cached_property
    def _held_texts(self) -> list[str]:
        if self.held_out is None:
            return []
        examples = self.held_out.examples
        return [near.text_of(examples[place]) for place in spread(len(examples), max(len(self.sample), 1))]

    @cached_property
    def _alike(self) -> list[tuple[int, int]]:
        """Pairs of near-duplicates, by position in the held-out texts followed by those of the sample."""
        return near.pairs(self._held_texts + self.texts)

    def _rows(self, positions: Iterable[int]) -> list[int]:
        return sorted({self.dataset.rows[position] for position in positions})


class Check:
    """The base of all checks; a subclass is one file in ``finetune/data/checks/``, instantiated for each report."""

    order: ClassVar[int] = 100
    """Findings of equal severity are listed in this order."""
    prefilter: ClassVar[str] = ""
    """An expression (RE2) that matches every text in which ``see`` finds something. Examples of the ``KINDS`` of
    ``finetune.data.summary`` that match no check's pre-filter and have only long answers are not seen one by one."""
    is_expensive: ClassVar[bool] = False
    """True if an example takes long to check: of a large dataset it then sees only the sample."""

    def see(self, seen: Seen) -> None:
        """Take in one example; they come in order. It may take about two microseconds, unless it ``is_expensive``."""

    def see_summary(self, summary: Summary) -> None:
        """Take in the examples of ``summary`` that are not seen one by one; by default they are ignored."""

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        """The findings; none if all is well."""
        raise NotImplementedError


def look(position: int, row: int, example: dict) -> Seen:
    """The example at ``position`` as the checks see it."""
    if "text" in example:
        return Seen(position, row, example, example["text"], [])
    if "messages" in example:
        turns = imitated = example["messages"]
        rejected, count = (), len(turns)
    else:
        imitated = example.get("chosen") or example.get("completion") or ()
        turns, rejected = [*example["prompt"], *imitated], example.get("rejected", ())
        count, imitated = len(turns), imitated if example.get("label", True) else ()
    if rejected:
        turns = [*turns, *rejected]
    text = "\n".join([turn["content"] if len(turn) == 2 else _text_of(turn) for turn in turns])
    answers = [turn["content"] or "" for turn in imitated if turn["role"] == "assistant" and "tool_calls" not in turn]
    tools = "\n".join(_strings_in(example["tools"])) if "tools" in example else ""
    return Seen(position, row, example, text, answers, count - (turns[0]["role"] == "system"), tools)


def _text_of(turn: dict) -> str:
    return "\n".join([turn.get("content") or "", *_strings_in(turn.get("tool_calls"))])


def _strings_in(value: object) -> Iterator[str]:
    """All keys and values in a value, unescaped: an escape of JSON would look like a letter before a word."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += (part for pair in reversed(item.items()) for part in reversed(pair))
        elif isinstance(item, list):
            waiting += reversed(item)
        elif item is not None:
            yield str(item)


def spread(total: int, most: int) -> range | array:
    """Positions of at most ``most`` out of ``total``, evenly spaced."""
    return range(total) if total <= most else array("I", (place * total // most for place in range(most)))


def without(rows: Iterable[int]) -> dict:
    """The button of a finding that leaves its rows out, as keyword arguments."""
    rows = tuple(sorted(set(rows)))
    return {"rows": rows, "fix": Drop(rows=ranges(rows)), "button": f"Leave {'it' if len(rows) == 1 else 'them'} out"}


def counted_rows(count: int, one: str, several: str) -> str:
    """``1 row has``, ``3 rows have``."""
    return f"{counted(count)} {one if count == 1 else several}"


def most_severe_first(findings: Iterable[Finding]) -> list[Finding]:
    """``findings`` by their severity; those of equal severity stay in their order."""
    return sorted(findings, key=lambda finding: get_args(Severity).index(finding.severity), reverse=True)


def severity_of(lost: int, total: int) -> Severity:
    """A problem if most rows are lost, else a warning."""
    return "problem" if 2 * lost > total else "warning"

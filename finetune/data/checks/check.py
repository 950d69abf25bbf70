"""What a check is: it sees the examples of a dataset go by and then says what a person should know of them.

All checks share one walk through the examples: a table of a million rows is read once, not once for each check.
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
    """Something a person should know of the data."""

    severity: Severity
    message: str
    """A plain sentence."""
    rows: tuple[int, ...] = ()
    """The rows it concerns; empty if it concerns all."""
    fix: Fix | None = None
    """What one click would change, where that is safe."""
    length: int | None = None
    """The length that one click would set, where that mends it."""
    button: str = ""
    """What the button says, if there is a ``fix`` or a ``length``."""
    code: str = ""
    """A short name for programs, of which a report has one each: ``duplicates``, ``secrets`` …"""


@dataclass(slots=True)
class Seen:
    """One example as the checks see it."""

    position: int
    """In ``dataset.examples``."""
    row: int
    example: dict
    text: str
    """Everything that is said in it, calls of tools included."""
    answers: list[str]
    """What the model shall learn to say: not the rejected answer of a pair, nor one with thumbs down."""
    turns: int = 0
    """Of a conversation with the better answer, instructions not counted."""
    tools: str = ""
    """What stands in the definitions of its tools, which are read and not said."""

    @property
    def all_text(self) -> str:
        """Everything that stands in it."""
        return f"{self.text}\n{self.tools}" if self.tools else self.text


@dataclass
class Summary:
    """What is known of some examples that follow one another; ``finetune.data.summary`` makes it."""

    start: int
    """The position of the first."""
    fingerprints: array
    """Of each (``near.fingerprint``)."""
    candidates: list[Seen]
    """Those that have to be looked at one by one."""
    turns: Counter[int]
    """How many turns they have -> how many examples, the closer ones included."""
    said: array = field(default_factory=lambda: array("q"))
    """Of each other example with a single answer, which is a long one: ``near.number_of`` what it says."""
    answered: array = field(default_factory=lambda: array("q"))
    """The positions of those."""

    @property
    def others(self) -> int:
        """How many examples have no sign of anything, and no short answer."""
        return len(self.fingerprints) - len(self.candidates)


@dataclass
class Evidence:
    """What is known of all rows once the walk is over."""

    dataset: Dataset
    held_out: Dataset | None = None
    """The file of rows kept for checking, if there is one."""
    length: int = 1024
    """Tokens a sequence may have."""
    sample: range | array = range(0)
    """Positions of the examples that were tokenized: all, or a spread sample of a large dataset."""
    texts: list[str] = field(default_factory=list)
    """What is said in each of them (``near.said``)."""
    fingerprints: array = field(default_factory=lambda: array("q"))
    """Of each example in ``dataset.examples``."""
    rejected: list[Rejected] = field(default_factory=list)
    """Rows that cannot be read, or that the chat template refuses; not those that a mend left out."""
    truncated: list[int] = field(default_factory=list)
    nothing_to_train_on: list[int] = field(default_factory=list)
    """Rows of the sample, as all lists of rows here that the tokens decide."""
    kept: int = 0
    longest: int = 0
    fitting: int = 0
    """99 % of the examples fit in this many tokens."""

    @property
    def is_sampled(self) -> bool:
        """True if the dataset was too large to be looked at whole."""
        return len(self.sample) < len(self.dataset.examples)

    @property
    def scale(self) -> float:
        """How many examples one of the sample stands for."""
        return len(self.dataset.examples) / len(self.sample) if self.is_sampled else 1.0

    def estimated(self, count: int) -> int:
        """How many rows there are in all if ``count`` were found in the sample."""
        return round(count * self.scale)

    def told(self, count: int, one: str, several: str) -> str:
        """``1 row has``, ``3 rows have``; ``About 3,000 rows have`` from a sample."""
        if not self.is_sampled:
            return told(count, one, several)
        return f"About {told(self.estimated(count), one, several)}"

    @cached_property
    def duplicates(self) -> list[int]:
        """Rows of which all is said in an earlier one."""
        return self._rows(near.repeats(self.fingerprints))

    @cached_property
    def near_duplicates(self) -> list[int]:
        """Rows of the sample that say nearly the same as an earlier one, those that say the very same left out."""
        known, among = len(self._held_texts), set(near.repeats(self.fingerprints))
        linked = [(one - known, other - known) for one, other in self._alike if one >= known]
        positions = {self.sample[place] for place in near.followers(linked)}
        return self._rows(positions - among)

    @cached_property
    def leaks(self) -> list[int]:
        """Rows that are among those kept for checking too."""
        if self.held_out is None:
            return []
        kept = set(map(near.fingerprint, self.held_out.examples))
        return self._rows(place for place, number in enumerate(self.fingerprints) if number in kept)

    @cached_property
    def near_leaks(self) -> list[int]:
        """Rows of the sample that say nearly the same as one kept for checking, those of ``leaks`` left out."""
        known = len(self._held_texts)
        positions = {self.sample[other - known] for one, other in self._alike if one < known <= other}
        return sorted(set(self._rows(positions)) - set(self.leaks))

    @cached_property
    def _held_texts(self) -> list[str]:
        if self.held_out is None:
            return []
        examples = self.held_out.examples
        return [near.said(examples[place]) for place in spread(len(examples), max(len(self.sample), 1))]

    @cached_property
    def _alike(self) -> list[tuple[int, int]]:
        """Pairs that say nearly the same, by position in the texts kept for checking and, behind them, the sample's."""
        return near.pairs(self._held_texts + self.texts)

    def _rows(self, positions: Iterable[int]) -> list[int]:
        return sorted({self.dataset.rows[position] for position in positions})


class Check:
    """The base of all checks; a subclass is one file in ``finetune/data/checks/``, made anew for each report."""

    order: ClassVar[int] = 100
    """Findings of equal severity are told in this order."""
    prefilter: ClassVar[str] = ""
    """An expression (RE2) that stands in every text in which ``see`` finds something. Examples of the ``KINDS`` of
    ``finetune.data.summary`` without any check's signs, and with long answers only, are not seen one by one."""
    is_expensive: ClassVar[bool] = False
    """True if looking at an example takes long: of a large dataset it then sees the sample only."""

    def see(self, seen: Seen) -> None:
        """Take in one example; they come in order. About two microseconds, unless it ``is_expensive``."""

    def pass_over(self, summary: Summary) -> None:
        """Take in the examples of ``summary`` that are not seen one by one; by default they say nothing."""

    def tell(self, evidence: Evidence) -> Iterator[Finding]:
        """What was found; nothing if all is well."""
        raise NotImplementedError


def look(position: int, row: int, example: dict) -> Seen:
    """The example at ``position`` as the checks see it."""
    if "text" in example:
        return Seen(position, row, example, example["text"], [])
    if "messages" in example:
        turns = good = example["messages"]
        worse, count = (), len(turns)
    else:
        good = example.get("chosen") or example.get("completion") or ()
        turns, worse = [*example["prompt"], *good], example.get("rejected", ())
        count, good = len(turns), good if example.get("label", True) else ()
    if worse:
        turns = [*turns, *worse]
    text = "\n".join([turn["content"] if len(turn) == 2 else _said(turn) for turn in turns])
    answers = [turn["content"] or "" for turn in good if turn["role"] == "assistant" and "tool_calls" not in turn]
    tools = "\n".join(_spelled(example["tools"])) if "tools" in example else ""
    return Seen(position, row, example, text, answers, count - (turns[0]["role"] == "system"), tools)


def _said(turn: dict) -> str:
    return "\n".join([turn.get("content") or "", *_spelled(turn.get("tool_calls"))])


def _spelled(value: object) -> Iterator[str]:
    """What is in a value, keys too, each part as it is: an escape of JSON would look like a letter before a word."""
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
    """Positions of at most ``most`` out of ``total``, evenly spread."""
    return range(total) if total <= most else array("I", (place * total // most for place in range(most)))


def without(rows: Iterable[int]) -> dict:
    """The button of a finding that leaves its rows out, as keyword arguments."""
    rows = tuple(sorted(set(rows)))
    return {"rows": rows, "fix": Drop(rows=ranges(rows)), "button": f"Leave {'it' if len(rows) == 1 else 'them'} out"}


def told(count: int, one: str, several: str) -> str:
    """``1 row has``, ``3 rows have``."""
    return f"{counted(count)} {one if count == 1 else several}"


def most_severe_first(findings: Iterable[Finding]) -> list[Finding]:
    """``findings`` by their severity; those of equal severity stay in their order."""
    return sorted(findings, key=lambda finding: get_args(Severity).index(finding.severity), reverse=True)


def gravity(lost: int, total: int) -> Severity:
    """A problem where it concerns most rows."""
    return "problem" if 2 * lost > total else "warning"

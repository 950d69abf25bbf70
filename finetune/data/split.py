"""The train / held-out split of a dataset.

What belongs together stays in one part: the examples of one row, those that ask the same question, and the rows that a
person grouped. A hash of content and seed assigns them, so the order in the file has no influence.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from finetune.data.dataset import Dataset
from finetune.data.examples import picked
from finetune.data.marks import is_held_out
from finetune.data.settings import DataSettings
from finetune.errors import DataError

MAX_HELD_OUT = 200
"""Held-out rows at most: accuracy is then known to about ±7 points, and evaluation stays short beside training."""
MIN_ROWS_TO_SPLIT = 10
"""With fewer rows, all are needed for training."""
FEW_HELD_OUT = 20
"""With fewer held-out rows, a note reports how uncertain the evaluation is."""
CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str).encode
"""Content as canonical JSON: equal for equal content."""


@dataclass
class Split:
    """The two parts of a split."""

    train: Sequence[dict]
    held_out: Sequence[dict]
    notes: list[str] = field(default_factory=list)
    """Notes on the split, as sentences."""


def split_dataset(dataset: Dataset, held_out: Dataset | None, settings: DataSettings, seed: int) -> Split:
    """The training and the held-out examples; no example is in both parts, and no question either.

    Without a file ``held_out`` and a split column, ``held_out_share`` of the examples is held out, at least 1 and at
    most ``MAX_HELD_OUT``, and none below ``MIN_ROWS_TO_SPLIT``; with ``stratify``, the same share of each of that
    column's values.
    """
    named = {name: getattr(settings, name) for name in ("group", "stratify") if getattr(settings, name) is not None}
    for name, column in named.items():
        if column not in dataset.file_columns:
            raise DataError(
                f'There is no column "{column}" to {name} by.', f"There are: {', '.join(dataset.file_columns)}."
            )
    if held_out is not None or dataset.split:
        found = _split_by_file(dataset, held_out) if held_out is not None else _split_by_column(dataset)
        where = "a file of their own" if held_out is not None else f'those that the column "{dataset.split}" names'
        idle = [f"The setting data.{name} is not used: the held-out rows are {where}." for name in named]
        return replace(found, notes=[*found.notes, *idle])
    wanted = held_out_count(len(dataset.examples), settings)
    if not wanted:
        return Split(dataset.examples, [], [])
    groups, notes = _groups(dataset, settings.group, seed, question), []
    if max(Counter(groups).values()) > len(groups) - wanted:
        groups = _groups(dataset, settings.group, seed, dict)
        notes = ["Nearly all rows ask the same question, so the held-out rows ask it too."]
    labels = dataset.values(settings.stratify) if settings.stratify else [None] * len(groups)
    kept = _chosen(groups, labels, _quotas(labels, wanted))
    if not kept:
        return Split(dataset.examples, [], ["All rows belong to one group, so none can be held out."])
    is_held_out = [group in kept for group in groups]
    train, held_out = (
        picked(dataset.examples, [n for n, is_out in enumerate(is_held_out) if is_out == part])
        for part in (False, True)
    )
    return Split(train, held_out, notes + _uncertainty(len(held_out)))


def held_out_count(examples: int, settings: DataSettings) -> int:
    """How many of this many ``examples`` are held out without a file of held-out rows; groups may make it fewer."""
    if not settings.held_out_share or examples < MIN_ROWS_TO_SPLIT:
        return 0
    return min(max(1, round(settings.held_out_share * examples)), MAX_HELD_OUT)


def held_out_of(dataset: Dataset, settings: DataSettings) -> int:
    """How many examples of ``dataset`` are held out without a file of held-out rows."""
    if dataset.split:
        return sum(map(is_held_out, dataset.values(dataset.split)))
    return held_out_count(len(dataset.examples), settings)


def without_leaks(examples: Sequence[dict], held_out: Iterable[dict]) -> Sequence[dict]:
    """``examples`` without those that ask the same question as one of ``held_out`` (leakage).

    If those are more than half of them, questions repeat by design, and only equal examples are left out.
    """
    held_out = list(held_out)
    for same in (question, dict):
        asked = {content_hash(same(example)) for example in held_out}
        left = [n for n, example in enumerate(examples) if content_hash(same(example)) not in asked]
        if 2 * len(left) >= len(examples):
            break
    return examples if len(left) == len(examples) else picked(examples, left)


def question(example: dict) -> dict:
    """The question of an example: everything before its last answer; a text is its own question."""
    if "messages" in example:
        turns = example["messages"]
        answers = [n for n, turn in enumerate(turns) if turn["role"] == "assistant"]
        return {"prompt": [[turn["role"], turn["content"]] for turn in turns[: answers[-1] if answers else len(turns)]]}
    if "prompt" in example:
        return {"prompt": [[turn["role"], turn["content"]] for turn in example["prompt"]]}
    return example


def content_hash(content: object, seed: int | None = None) -> bytes:
    """A hash of ``content``; each ``seed`` gives another order."""
    return hashlib.blake2b(CANONICAL([seed, content]).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _split_by_file(dataset: Dataset, held_out: Dataset) -> Split:
    """``held_out`` as it is, and the examples of ``dataset`` that ask none of its questions."""
    if held_out.kind != dataset.kind:
        raise DataError(
            f"The held-out rows are {held_out.title}, but the training rows are {dataset.title}.",
            "Both must be of the same kind.",
        )
    train = without_leaks(dataset.examples, held_out.examples)
    if not train:
        raise DataError("Every row is also among the held-out rows.", "Hold out other rows.")
    lost = len(dataset.examples) - len(train)
    return Split(train, held_out.examples, _leaks(lost) + _uncertainty(len(held_out.examples)))


def _split_by_column(dataset: Dataset) -> Split:
    """The rows that the split column of ``dataset`` names as held out, and the others that ask none of their questions.

    ``DataError`` if no row is left to train on.
    """
    parts = [[], []]
    for position, value in enumerate(dataset.values(dataset.split)):
        parts[is_held_out(value)].append(position)
    train, held_out = (picked(dataset.examples, part) for part in parts)
    train = without_leaks(train, held_out)
    if not train:
        raise DataError(f'The column "{dataset.split}" holds out every row.', "Name another split for the others.")
    lost = len(parts[0]) - len(train)
    return Split(train, held_out, _leaks(lost) + _uncertainty(len(held_out)))


def _leaks(lost: int) -> list[str]:
    """A note on so many rows that are not trained on."""
    are = f"{lost:,} {'row is' if lost == 1 else 'rows are'} left out of training"
    return [f"{are}, because held-out rows ask the same question (leakage)."] if lost else []


def _groups(dataset: Dataset, column: str | None, seed: int, same: Callable[[dict], dict]) -> list[bytes]:
    """The group of each example: examples of one row, with equal values in ``column``, or with an equal ``same``."""
    groups = _Groups()
    values = dataset.values(column) if column else [None] * len(dataset.examples)
    found, before = [], None
    for example, row, value in zip(dataset.examples, dataset.rows, values):
        digest = content_hash(same(example), seed)
        if row == before:
            groups.join(digest, found[-1])
        if value not in (None, ""):
            groups.join(digest, content_hash({"group": value}, seed))
        found.append(digest)
        before = row
    return [groups.of(digest) for digest in found]


class _Groups:
    """Disjoint sets of hashes (union-find); the lowest hash of each represents it."""

    def __init__(self):
        self._lower: dict[bytes, bytes] = {}

    def of(self, digest: bytes) -> bytes:
        """The representative of the set of ``digest``."""
        while (lower := self._lower.get(digest)) is not None:
            further = self._lower.get(lower)
            if further is not None:
                self._lower[digest] = further
            digest = lower
        return digest

    def join(self, one: bytes, other: bytes) -> None:
        one, other = self.of(one), self.of(other)
        if one != other:
            self._lower[max(one, other)] = min(one, other)


def _quotas(labels: list, wanted: int) -> dict:
    """How many examples of each label make up ``wanted``: shares are rounded by the largest-remainder method."""
    counts = Counter(map(_label, labels))
    exact = {label: wanted * count / len(labels) for label, count in counts.items()}
    quotas = {label: int(share) for label, share in exact.items()}
    by_remainder = sorted(quotas, key=lambda label: (quotas[label] - exact[label], content_hash(label)))
    for label in by_remainder[: wanted - sum(quotas.values())]:
        quotas[label] += 1
    return quotas


def _chosen(groups: list[bytes], labels: list, quotas: dict) -> set[bytes]:
    """The groups, lowest hash first, that fit into the ``quotas``; if none fits, the smallest of several."""
    members: defaultdict[bytes, Counter] = defaultdict(Counter)
    for group, label in zip(groups, labels):
        members[group][_label(label)] += 1
    kept, left = set(), Counter(quotas)
    for group in sorted(members):
        if all(count <= left[label] for label, count in members[group].items()):
            kept.add(group)
            left -= members[group]
    if kept or len(members) < 2:
        return kept
    return {min(members, key=lambda group: (members[group].total(), group))}


def _label(value: object) -> str:
    """A value of the column to stratify by, in hashable form."""
    return CANONICAL(value)


def _uncertainty(count: int) -> list[str]:
    """A note on the precision of so few rows: half the 95 % confidence interval of a share of one half, the widest."""
    if not 0 < count < FEW_HELD_OUT:
        return []
    only = "Only 1 row is" if count == 1 else f"Only {count} rows are"
    points = min(99, round(98 / count**0.5))
    return [f"{only} held out: the accuracy on them is known only to about ±{points} percentage points."]

"""Which examples are learnt from and which are kept for checking.

What belongs together stays on one side: the examples of one row, those that ask the same, and the rows that a person
grouped. A hash of content and seed chooses, so that the order in the file decides nothing.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from finetune.data.dataset import Dataset
from finetune.data.examples import picked
from finetune.data.settings import DataSettings
from finetune.errors import DataError

MAX_HELD_OUT = 200
"""Split-off rows at most: accuracy is then known to about ±7 points, and scoring stays short beside the training."""
MIN_ROWS_TO_SPLIT = 10
"""With fewer rows, every one is needed to learn from."""
FEW_HELD_OUT = 20
"""With fewer rows kept for checking, a person is told how little they tell."""
WRITE = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str).encode
"""Content as a text, equal for equal content."""


@dataclass
class Split:
    """The two sides of a split."""

    train: Sequence[dict]
    held_out: Sequence[dict]
    notes: list[str] = field(default_factory=list)
    """What a person should know of the split."""


def split(dataset: Dataset, held_out: Dataset | None, settings: DataSettings, seed: int) -> Split:
    """The examples to learn from and those kept for checking; none is on both sides, and no question either.

    Without a file of its own, ``held_out_share`` of the examples is kept, at least 1 and at most ``MAX_HELD_OUT``, and
    none below ``MIN_ROWS_TO_SPLIT``; with ``stratify`` each of that column's values in the same share.
    """
    if held_out is not None:
        return _apart(dataset, held_out)
    for name, column in (("group", settings.group), ("stratify", settings.stratify)):
        if column is not None and column not in dataset.file_columns:
            raise DataError(
                f'There is no column "{column}" to {name} by.', f"There are: {', '.join(dataset.file_columns)}."
            )
    wanted = split_off(len(dataset.examples), settings)
    if not wanted:
        return Split(dataset.examples, [], [])
    groups, notes = _groups(dataset, settings.group, seed, question), []
    if max(Counter(groups).values()) > len(groups) - wanted:
        groups = _groups(dataset, settings.group, seed, dict)
        notes = ["Nearly all rows ask the same, so the rows kept for checking ask it too."]
    labels = dataset.values(settings.stratify) if settings.stratify else [None] * len(groups)
    kept = _chosen(groups, labels, _quotas(labels, wanted))
    if not kept:
        return Split(dataset.examples, [], ["All rows belong together, so none can be kept for checking."])
    parts = [group in kept for group in groups]
    train, checking = (
        picked(dataset.examples, [n for n, is_kept in enumerate(parts) if is_kept == side]) for side in (False, True)
    )
    return Split(train, checking, notes + _uncertainty(len(checking)))


def split_off(examples: int, settings: DataSettings) -> int:
    """How many of so many ``examples`` are kept for checking without a file of their own; groups may make it fewer."""
    if not settings.held_out_share or examples < MIN_ROWS_TO_SPLIT:
        return 0
    return min(max(1, round(settings.held_out_share * examples)), MAX_HELD_OUT)


def apart(examples: Sequence[dict], held_out: Iterable[dict]) -> Sequence[dict]:
    """``examples`` without those that ask what ``held_out`` asks.

    Where that would be more than half of them, the questions repeat by design, and only equal examples are left out.
    """
    held_out = list(held_out)
    for same in (question, dict):
        asked = {content_hash(same(example)) for example in held_out}
        left = [n for n, example in enumerate(examples) if content_hash(same(example)) not in asked]
        if 2 * len(left) >= len(examples):
            break
    return examples if len(left) == len(examples) else picked(examples, left)


def question(example: dict) -> dict:
    """What an example asks: all of it up to the answer; a text is its own question."""
    if "messages" in example:
        turns = example["messages"]
        answers = [n for n, turn in enumerate(turns) if turn["role"] == "assistant"]
        return {"prompt": [[turn["role"], turn["content"]] for turn in turns[: answers[-1] if answers else len(turns)]]}
    if "prompt" in example:
        return {"prompt": [[turn["role"], turn["content"]] for turn in example["prompt"]]}
    return example


def content_hash(content: object, seed: int | None = None) -> bytes:
    """Equal for equal content; another order of them for each seed."""
    return hashlib.blake2b(WRITE([seed, content]).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _apart(dataset: Dataset, held_out: Dataset) -> Split:
    """All of ``held_out`` for checking, and of ``dataset`` what does not ask the same."""
    if held_out.kind != dataset.kind:
        raise DataError(
            f"The rows kept for checking are {held_out.title}, but the rows to learn from are {dataset.title}.",
            "Both must have the same shape.",
        )
    train = apart(dataset.examples, held_out.examples)
    if not train:
        raise DataError("Every row is also among the rows kept for checking.", "Keep other rows for checking.")
    lost = len(dataset.examples) - len(train)
    are = "row is" if lost == 1 else "rows are"
    notes = [f"{lost:,} {are} not learnt from, because the rows kept for checking ask the same."] if lost else []
    return Split(train, held_out.examples, notes + _uncertainty(len(held_out.examples)))


def _groups(dataset: Dataset, column: str | None, seed: int, same: Callable[[dict], dict]) -> list[bytes]:
    """The group of each example: those of one row, with equal values in ``column``, or for which ``same`` is equal."""
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
    """Sets of hashes that grow together; each is called by its lowest."""

    def __init__(self):
        self._lower: dict[bytes, bytes] = {}

    def of(self, digest: bytes) -> bytes:
        """What the set of ``digest`` is called."""
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
    """How many examples of each label make up ``wanted``: the shares rounded down, and the largest rests rounded up."""
    counts = Counter(map(_label, labels))
    exact = {label: wanted * count / len(labels) for label, count in counts.items()}
    quotas = {label: int(share) for label, share in exact.items()}
    by_rest = sorted(quotas, key=lambda label: (quotas[label] - exact[label], content_hash(label)))
    for label in by_rest[: wanted - sum(quotas.values())]:
        quotas[label] += 1
    return quotas


def _chosen(groups: list[bytes], labels: list, quotas: dict) -> set[bytes]:
    """The groups, lowest first, that fit into the ``quotas``; the smallest if none does and there is another one."""
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
    """A value of the column to stratify by, as one that can be counted."""
    return WRITE(value)


def _uncertainty(count: int) -> list[str]:
    """What so few rows tell: the half-width of the 95 % interval of a share that is one half, where it is widest."""
    if not 0 < count < FEW_HELD_OUT:
        return []
    only = "Only 1 row is" if count == 1 else f"Only {count} rows are"
    points = min(99, round(98 / count**0.5))
    return [f"{only} kept for checking: how often it is right is known only to about ±{points} points."]

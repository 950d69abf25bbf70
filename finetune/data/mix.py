"""The training mixture of a run: the main data, further data sets, and replay data against catastrophic forgetting.

Held-out rows come from the main data only, and no mixed-in row asks the same question as one of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.data.checks import Finding
from finetune.data.checks.secrets import Secrets
from finetune.data.dataset import Dataset
from finetune.data.examples import picked
from finetune.data.hub import files
from finetune.data.kinds import go_together
from finetune.data.loading import held_out_path, read, read_split
from finetune.data.settings import DataSettings
from finetune.data.sources import Progress
from finetune.data.split import content_hash, without_leaks
from finetune.data.summary import summaries
from finetune.errors import DataError

Find = Callable[[str], Path]
"""Returns the file that a recipe names; raises a ``FinetuneError`` if it does not exist or may not be read."""

Read = Callable[[DataSettings, Find, bool], Dataset]
"""Reads what settings name, like ``read_main``."""


@dataclass(frozen=True)
class DatasetKind:
    """The kind of a data set's examples."""

    kind: str
    title: str
    """The format's name as the page shows it."""
    doubt: str = ""
    """Why a person has to be asked whether the rows are meant so; empty if nobody has to be."""
    remedy: str = ""
    """What to do about the doubt."""
    remedy_if_mixed_in: str = ""
    """The same for rows that are mixed in."""
    asked_in: str = "data.format"
    """The setting that removes the doubt."""


@dataclass
class Gathered:
    """All training and held-out examples of a run."""

    dataset: Dataset
    """The main data."""
    train: Sequence[dict]
    held_out: Sequence[dict]
    notes: list[str]
    """Notes on the split and on what was mixed in, as sentences."""
    own: int
    """How many of the training examples are of the main data; they come first."""


@dataclass(frozen=True)
class Portion:
    """The rows of one data set that are mixed in."""

    path: str
    examples: Sequence[dict]
    wanted: int
    """How many were requested; there are fewer ``examples`` if the data set has no more."""

    @property
    def note(self) -> str:
        """The number of rows and their file, as a sentence."""
        count, name = len(self.examples), Path(self.path).name
        are = f"1 row of {name} is mixed in" if count == 1 else f"{count:,} rows of {name} are mixed in"
        return f"{are}; {self.wanted:,} were requested, but there are no more." if count < self.wanted else f"{are}."


def gather(settings: DataSettings, find: Find, seed: int, trusted: bool = True) -> Gathered:
    """The examples that ``settings`` name, split, and with the mixed-in data sets."""
    path, *also = files(settings, find, trusted)
    dataset, train, held_out = read_split(path, settings, seed, also)
    others, own = read_others(settings, dataset, find, trusted), len(train)
    train, notes = mixed(train, held_out, others, settings, seed)
    return Gathered(dataset, train, held_out, dataset.notes + notes, own)


def read_main(
    settings: DataSettings,
    find: Find,
    trusted: bool = True,
    prefilter: str = "",
    progress: Progress | None = None,
) -> Dataset:
    """The main data that ``settings`` name; ``DataError`` also if a named file of held-out rows does not exist.

    For ``prefilter`` and ``progress`` see ``finetune.data.loading.read``.
    """
    path, *also = files(settings, find, trusted)
    held_out_path(path, settings, find)
    return read(path, settings, also, prefilter, progress)


def read_held_out(settings: DataSettings, find: Find, trusted: bool = True) -> Dataset | None:
    """The held-out rows of the main data, if they are a file of their own."""
    path = held_out_path(files(settings, find, trusted)[0], settings, find)
    return read(path, settings.changed(fixes=settings.fixes_everywhere)) if path else None


def read_others(
    settings: DataSettings, main: Dataset, find: Find, trusted: bool = True, read: Read = read_main
) -> list[Dataset]:
    """The data sets that ``settings`` mix into ``main``, replay data last; ``DataError`` if one cannot be mixed in."""
    others = []
    for each in named_others(settings):
        others.append(read(each, find, trusted))
        require_mixable(main, each.path, others[-1])
    return others


def main_alone(settings: DataSettings) -> DataSettings:
    """The settings of the main data alone."""
    return DataSettings.model_validate(settings.model_dump(exclude={"mix", "replay", "replay_share"}))


def named_others(settings: DataSettings) -> list[DataSettings]:
    """The settings of each data set that is mixed in, replay data last."""
    fixes = settings.fixes_everywhere
    named = [
        DataSettings(path=each.path, format=each.format, columns=each.columns, fixes=fixes) for each in settings.mix
    ]
    has_replay = settings.replay and settings.replay_share
    return named + ([DataSettings(path=settings.replay, fixes=fixes)] if has_replay else [])


def require_mixable(main: Dataset | DatasetKind, path: str, other: Dataset | DatasetKind) -> None:
    """``DataError`` if ``other``, the data set at ``path``, is of a kind that cannot be mixed into ``main``."""
    if not go_together(main.kind, other.kind):
        raise DataError(
            f"The rows of {Path(path).name} are {other.title}, but the training rows are {main.title}.",
            "Mix in rows of the same kind.",
        )


def with_doubt_of(main: DatasetKind, path: str, other: DatasetKind) -> DatasetKind:
    """``main`` with the doubt over the rows of ``path``, which are mixed in, unless it has one already."""
    if main.doubt or not other.doubt:
        return main
    doubt = f"{Path(path).name}, which is mixed in: {other.doubt}"
    return replace(main, doubt=doubt, remedy=other.remedy_if_mixed_in, asked_in="data.mix")


def files_read(settings: DataSettings, find: Find, trusted: bool = True) -> list[Path]:
    """Every file that this module reads for ``settings``: training data, held-out rows, mixed-in data sets.

    The state of these files is the key for caches of what was read. ``DataError`` if one of them is missing.
    """
    main = files(settings, find, trusted)
    held_out = held_out_path(main[0], settings, find)
    others = [path for each in named_others(settings) for path in files(each, find, trusted)]
    return [*main, *([held_out] if held_out else []), *others]


def secrets_in(other: Dataset, name: str) -> list[Finding]:
    """Findings on possible secrets and personal data in ``other``, which is mixed in and called ``name``.

    All of its rows are checked, because the seed of a run samples from all of them.
    """
    check = Secrets(f" in “{name}”, which is mixed in")
    for summary in summaries(other.examples, other.rows, other.kind):
        for seen in summary.candidates:
            check.see(seen)
    return list(check.findings())


def mixed(
    train: Sequence[dict], held_out: Sequence[dict], others: list[Dataset], settings: DataSettings, seed: int
) -> tuple[Sequence[dict], list[str]]:
    """``train`` followed by the portion of each of ``others``, and notes on them."""
    added = portions(len(train), held_out, others, settings, seed)
    together = [*train, *(example for portion in added for example in portion.examples)] if added else train
    return together, [portion.note for portion in added]


def portions(
    rows: int, held_out: Sequence[dict], others: list[Dataset], settings: DataSettings, seed: int
) -> list[Portion]:
    """The portion of each of ``others`` that is mixed into ``rows`` rows of the main data; replay data is last.

    A data set of weight w gives w rows per row of the main data; replay data makes up ``replay_share`` of the whole. A
    hash of content and seed samples the rows, without replacement.
    """
    found = [
        _portion(each.path, other, held_out, each.weight * rows, seed) for each, other in zip(settings.mix, others)
    ]
    if len(others) > len(settings.mix):
        total = rows + sum(len(portion.examples) for portion in found)
        wanted = total * settings.replay_share / (1 - settings.replay_share)
        found.append(_portion(settings.replay, others[-1], held_out, wanted, seed))
    return found


def _portion(path: str, other: Dataset, held_out: Sequence[dict], rows: float, seed: int) -> Portion:
    """About ``rows`` rows of ``other``, at least one, in their order; all if there are fewer."""
    wanted = max(1, round(rows))
    there = without_leaks(other.examples, held_out)
    hashes = [content_hash(example, seed) for example in there]
    lowest = sorted(range(len(hashes)), key=lambda n: (hashes[n], n))[:wanted]
    return Portion(path, picked(there, sorted(lowest)), wanted)

"""What a run learns from: the main data, other data sets mixed in, and general rows against forgetting.

Rows kept for checking come from the main data alone, and nothing that is mixed in asks what they ask.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.data.checks import Finding
from finetune.data.checks.secrets import Secrets
from finetune.data.dataset import Dataset
from finetune.data.examples import picked
from finetune.data.hub import files
from finetune.data.loading import held_out_path, read, read_split
from finetune.data.settings import DataSettings
from finetune.data.split import apart, content_hash
from finetune.data.summary import summaries
from finetune.errors import DataError

Find = Callable[[str], Path]
"""Gives the file that a recipe names; raises a ``FinetuneError`` if there is none, or none that may be read."""

Read = Callable[[DataSettings, Find, bool], Dataset]
"""Reads what settings name, as ``read_main`` does."""


@dataclass(frozen=True)
class Kind:
    """What kind of examples a data set has."""

    kind: str
    title: str
    """The format's name for a person."""


@dataclass
class Gathered:
    """Everything that a run learns from and is checked on."""

    dataset: Dataset
    """The main data."""
    train: Sequence[dict]
    held_out: Sequence[dict]
    notes: list[str]
    """What a person should know of the split and of what was mixed in."""


@dataclass(frozen=True)
class Portion:
    """The rows of one data set that are mixed in."""

    path: str
    examples: Sequence[dict]
    wanted: int
    """How many were asked for; there are fewer ``examples`` where the data set has no more."""

    @property
    def note(self) -> str:
        """How many of which file, as a sentence."""
        count, name = len(self.examples), Path(self.path).name
        are = f"1 row of {name} is mixed in" if count == 1 else f"{count:,} rows of {name} are mixed in"
        return f"{are}; {self.wanted:,} were asked for, but there are no more." if count < self.wanted else f"{are}."


def gather(settings: DataSettings, find: Find, seed: int, trusted: bool = True) -> Gathered:
    """The examples that ``settings`` name, split, and with all that is mixed in."""
    path, *also = files(settings, find, trusted)
    dataset, train, held_out = read_split(path, settings, seed, also)
    others = read_others(settings, dataset, find, trusted)
    train, notes = mixed(train, held_out, others, settings, seed)
    return Gathered(dataset, train, held_out, dataset.notes + notes)


def read_main(settings: DataSettings, find: Find, trusted: bool = True, prefilter: str = "") -> Dataset:
    """The main data that ``settings`` name; ``DataError`` too if the rows kept for checking are named and not there.

    For ``prefilter`` see ``finetune.data.loading.read``.
    """
    path, *also = files(settings, find, trusted)
    held_out_path(path, settings)
    return read(path, settings, also, prefilter)


def read_held_out(settings: DataSettings, find: Find, trusted: bool = True) -> Dataset | None:
    """The file of rows kept for checking that belongs to the main data, if there is one."""
    path = held_out_path(files(settings, find, trusted)[0], settings)
    return read(path, settings.changed(fixes=settings.fixes_everywhere)) if path else None


def read_others(
    settings: DataSettings, main: Dataset, find: Find, trusted: bool = True, read: Read = read_main
) -> list[Dataset]:
    """What ``settings`` mix into ``main``, the general rows last; ``DataError`` if one is of another kind."""
    others = []
    for each in named_others(settings):
        others.append(read(each, find, trusted))
        require_alike(main, each.path, others[-1])
    return others


def main_alone(settings: DataSettings) -> DataSettings:
    """What ``settings`` say of the main data."""
    return DataSettings.model_validate(settings.model_dump(exclude={"mix", "replay", "replay_share"}))


def named_others(settings: DataSettings) -> list[DataSettings]:
    """What ``settings`` say of each data set that is mixed in, the general rows last."""
    fixes = settings.fixes_everywhere
    named = [
        DataSettings(path=each.path, format=each.format, columns=each.columns, fixes=fixes) for each in settings.mix
    ]
    has_general = settings.replay and settings.replay_share
    return named + ([DataSettings(path=settings.replay, fixes=fixes)] if has_general else [])


def require_alike(main: Dataset | Kind, path: str, other: Dataset | Kind) -> None:
    """``DataError`` if the rows ``other``, which are those of ``path``, cannot be mixed into ``main``."""
    if other.kind != main.kind:
        raise DataError(
            f"The rows of {Path(path).name} are {other.title}, but the rows to learn from are {main.title}.",
            "Mix in rows of the same shape.",
        )


def files_read(settings: DataSettings, find: Find, trusted: bool = True) -> list[Path]:
    """Every file that this module reads for ``settings``: the data, the rows kept for checking, all that is mixed in.

    Whoever keeps what comes of them keeps it by the state of these. ``DataError`` if one of them is missing.
    """
    main = files(settings, find, trusted)
    held_out = held_out_path(main[0], settings)
    others = [path for each in named_others(settings) for path in files(each, find, trusted)]
    return [*main, *([held_out] if held_out else []), *others]


def secrets_in(other: Dataset, name: str) -> list[Finding]:
    """What may be a secret or personal data in ``other``, which is mixed in and called ``name``.

    All of its rows are looked at, for the seed of a run chooses among them.
    """
    check = Secrets(f" in “{name}”, which is mixed in")
    for summary in summaries(other.examples, other.rows, other.kind):
        for seen in summary.candidates:
            check.see(seen)
    return list(check.tell())


def mixed(
    train: Sequence[dict], held_out: Sequence[dict], others: list[Dataset], settings: DataSettings, seed: int
) -> tuple[Sequence[dict], list[str]]:
    """``train`` with the portion of each of ``others`` behind it, and what a person should know of that."""
    added = portions(len(train), held_out, others, settings, seed)
    together = [*train, *(example for portion in added for example in portion.examples)] if added else train
    return together, [portion.note for portion in added]


def portions(
    rows: int, held_out: Sequence[dict], others: list[Dataset], settings: DataSettings, seed: int
) -> list[Portion]:
    """What of each of ``others`` joins ``rows`` rows of the main data; the general rows, if there are any, are last.

    A data set of weight w gives w rows for each of them; of the general rows come so many that they are
    ``replay_share`` of the whole. A hash of content and seed chooses the rows; none comes twice.
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
    """About ``rows`` of the rows of ``other``, at least one, in their order; or all if there are fewer."""
    wanted = max(1, round(rows))
    there = apart(other.examples, held_out)
    hashes = [content_hash(example, seed) for example in there]
    lowest = sorted(range(len(hashes)), key=lambda n: (hashes[n], n))[:wanted]
    return Portion(path, picked(there, sorted(lowest)), wanted)

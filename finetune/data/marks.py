"""Columns that say of a whole row how it takes part in the training: its weight, its split, its images.

No format reads them: they mean the same beside any of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from finetune.data.formats.contents import is_nothing
from finetune.data.formats.format import RowError, number_in, plain
from finetune.data.formats.tools import parsed

WEIGHTS = ("weight", "sample_weight", "example_weight", "loss_weight", "importance")
MOST = 10
"""A larger number is no weight of a row but that of a thing."""
SPLITS = ("split", "partition", "fold", "subset", "set", "train_test", "data_split", "dataset_split")
TRAIN = ("train", "training", "train_sft", "train_prefs")
HELD_OUT = ("test", "validation", "valid", "val", "dev", "eval", "evaluation", "held_out", "test_sft", "test_prefs")
MEDIA = {
    "image": "an image", "images": "images", "pixel_values": "an image", "audio": "audio", "audios": "audio",
    "video": "a video", "videos": "videos",
}  # fmt: skip


@dataclass(frozen=True)
class Marks:
    """The columns of a table that say how a row takes part."""

    weight: str = ""
    split: str = ""
    media: dict[str, str] = field(default_factory=dict)
    """Column -> what it holds."""
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> set[str]:
        """The columns that are read."""
        return {name for name in (self.weight, self.split, *self.media) if name}

    @property
    def checks(self) -> bool:
        """True if ``check`` may refuse a row."""
        return bool(self.weight or self.media)

    def check(self, row: dict) -> None:
        """``RowError`` if ``row`` is not to be trained on, or holds more than text."""
        if self.weight and number_in(row.get(self.weight)) == 0:
            raise RowError(f'Column "{self.weight}" is 0, so the row is left out.')
        for column, what in self.media.items():
            if not is_nothing(parsed(row.get(column))):
                raise RowError(f'Column "{column}" holds {what}, which cannot be read here: only text can.')


def is_held_out(value: object) -> bool:
    """True if the value of a split column names a split to evaluate on."""
    return _split(value) in HELD_OUT


def marks_of(columns: Sequence[str], rows: list[dict], read: set[str]) -> Marks:
    """The marks among ``columns`` that are not in ``read``, by some of the ``rows``."""
    others = [column for column in columns if column not in read]
    weight = next((column for column in others if plain(column) in WEIGHTS and _are_weights(rows, column)), "")
    split = next((column for column in others if plain(column) in SPLITS and _are_splits(rows, column)), "")
    media = {column: MEDIA[plain(column)] for column in others if plain(column) in MEDIA}
    media = {column: what for column, what in media.items() if _are_media(rows, column)}
    return Marks(weight, split, media, tuple(_notes(rows, weight, split)))


def _notes(rows: list[dict], weight: str, split: str) -> Iterator[str]:
    if split:
        yield f'The column "{split}" says which rows are held out.'
    if weight:
        others = {number for row in rows if (number := number_in(row.get(weight))) not in (None, 0, 1)}
        yield f'Rows with 0 in the column "{weight}" are left out.'
        if others:
            yield f"Weights between, such as {min(others):g}, are not supported: those rows count as all others."


def _are_weights(rows: list[dict], column: str) -> bool:
    values = [row.get(column) for row in rows if not is_nothing(row.get(column))]
    numbers = [number_in(value) for value in values]
    return bool(values) and None not in numbers and all(0 <= number <= MOST for number in numbers)


def _are_splits(rows: list[dict], column: str) -> bool:
    found = {_split(row.get(column)) for row in rows if not is_nothing(row.get(column))}
    return bool(found & set(TRAIN)) and bool(found & set(HELD_OUT)) and found <= {*TRAIN, *HELD_OUT}


def _are_media(rows: list[dict], column: str) -> bool:
    """True unless its values are short texts that name or describe something."""
    values = [value for row in rows if not is_nothing(value := parsed(row.get(column)))]
    return any(isinstance(value, (list, dict, bytes)) or "/" in str(value) or "." in str(value) for value in values)


def _split(value: object) -> str:
    return plain(value) if isinstance(value, str) else ""

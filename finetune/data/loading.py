"""From files to a dataset: read, fixed, and split into training and held-out rows."""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from finetune.data.dataset import Dataset
from finetune.data.detection import dataset_of
from finetune.data.fixes import Fix
from finetune.data.idle import idle
from finetune.data.settings import DataSettings
from finetune.data.sources import Progress, read_tables
from finetune.data.split import split_dataset
from finetune.data.table import Table
from finetune.data.threads import put_together
from finetune.errors import DataError, FinetuneError

UPLOAD = re.compile("[0-9a-f]{16}")
"""The name of the folder of an uploaded file."""


def read(
    path: Path,
    settings: DataSettings,
    also: Sequence[Path] = (),
    prefilter: str = "",
    progress: Progress | None = None,
) -> Dataset:
    """The examples in ``path`` and the files ``also`` read after it, with the fixes of ``settings``.

    A report on them is faster if ``prefilter`` is ``finetune.data.summary.PREFILTER``.

    ``DataError`` if they cannot be read, fit no format, or give no example.
    """
    return fixed(read_tables([path, *also], settings, progress, prefilter), settings)


def fixed(table: Table, settings: DataSettings) -> Dataset:
    """The examples in ``table`` with the fixes of ``settings``: first those of rows, then those of examples."""
    table = put_together(table, settings)
    dataset = dataset_of(_on_table(table, settings.fixes, settings), settings)
    if settings.group or settings.stratify:
        others = [fix for fix in settings.fixes if not fix.everywhere]
        dataset = replace(dataset, unmasked=_on_table(table, others, settings))
    for fix in settings.fixes:
        dataset = fix.on_dataset(dataset)
    return replace(dataset, notes=[*dataset.notes, *idle(settings, dataset)])


def _on_table(table: Table, fixes: Iterable[Fix], settings: DataSettings) -> Table:
    for fix in fixes:
        table = fix.on_table(table, settings.roles)
    return table


def held_out_path(path: Path, settings: DataSettings, find: Callable[[str], Path] | None = None) -> Path | None:
    """The file of held-out rows: the one the settings name, else ``NAME.held-out.EXT`` beside ``path``, else None.

    A named file is in the folder of the data, or both are uploads, each in a folder of its own; so a recipe cannot name
    any other file of the machine. ``DataError`` if it does not exist, or if ``find`` refuses it.
    """
    path = Path(path)
    if settings.held_out:
        *_, folder, name = ("", "", *Path(settings.held_out).parts)
        are_uploads = UPLOAD.fullmatch(path.parent.name) and UPLOAD.fullmatch(folder)
        named = (path.parent.parent / folder if are_uploads else path.parent) / name
        # a Path's own method raises for a name that is too long
        if not os.path.isfile(named) or not (find is None or _is_found(find, named)):
            shown = settings.held_out[:200]
            raise DataError(f"There is no file {shown!r} of held-out rows.", "Upload it, or check its name.")
        return named
    beside = path.with_name(f"{path.stem}.held-out{path.suffix}")
    return beside if os.path.isfile(beside) else None


def _is_found(find: Callable[[str], Path], path: Path) -> bool:
    try:
        find(str(path))
    except FinetuneError:
        return False
    return True


def read_split(
    path: Path, settings: DataSettings, seed: int, also: Sequence[Path] = ()
) -> tuple[Dataset, Sequence[dict], Sequence[dict]]:
    """The data at ``path``, its training examples, and its held-out examples (see ``split_dataset``).

    The notes of the split are added to those of the dataset.
    """
    dataset, beside = read(path, settings, also), held_out_path(path, settings)
    held_out = read(beside, settings.changed(fixes=settings.fixes_everywhere)) if beside else None
    parts = split_dataset(dataset, held_out, settings, seed)
    return replace(dataset, notes=dataset.notes + parts.notes), parts.train, parts.held_out

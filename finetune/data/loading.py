"""From files to a dataset: read, with the fixes of its settings, and with its held-out rows."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from finetune.data.dataset import Dataset
from finetune.data.detection import understand
from finetune.data.fixes import Fix
from finetune.data.settings import DataSettings
from finetune.data.sources import read_tables
from finetune.data.split import split
from finetune.data.table import Table
from finetune.errors import DataError

UPLOAD = re.compile("[0-9a-f]{16}")
"""The folder of a file that a person sent is named so."""


def read(path: Path, settings: DataSettings, also: Sequence[Path] = (), prefilter: str = "") -> Dataset:
    """The examples in ``path`` and the files ``also`` read after it, mended as ``settings`` say.

    A report on them is made sooner if ``prefilter`` are those of ``finetune.data.summary``.

    ``DataError`` if they cannot be read, are not understood, or have no row that serves.
    """
    return fixed(read_tables([path, *also], settings, prefilter=prefilter), settings)


def fixed(table: Table, settings: DataSettings) -> Dataset:
    """The examples in ``table`` with the mends of ``settings``: first those of rows, then those of examples."""
    dataset = understand(_on_table(table, settings.fixes), settings)
    if settings.group or settings.stratify:
        dataset = replace(dataset, bare=_on_table(table, [fix for fix in settings.fixes if not fix.everywhere]))
    for fix in settings.fixes:
        dataset = fix.on_dataset(dataset)
    return dataset


def _on_table(table: Table, fixes: Iterable[Fix]) -> Table:
    for fix in fixes:
        table = fix.on_table(table)
    return table


def held_out_path(path: Path, settings: DataSettings) -> Path | None:
    """The file of rows kept for checking: the one the settings name, else ``NAME.held-out.EXT`` beside it, else None.

    A named file is in the folder of the data, or both are uploads, each in a folder of its own; so a recipe cannot name
    any other file of the machine. ``DataError`` if it is not there.
    """
    path = Path(path)
    if settings.held_out:
        *_, folder, name = ("", "", *Path(settings.held_out).parts)
        are_uploads = UPLOAD.fullmatch(path.parent.name) and UPLOAD.fullmatch(folder)
        named = (path.parent.parent / folder if are_uploads else path.parent) / name
        if not os.path.isfile(named):  # a Path's own method raises for a name that is too long
            shown = settings.held_out[:200]
            raise DataError(f"There is no file {shown!r} of rows kept for checking.", "Upload it, or check its name.")
        return named
    beside = path.with_name(f"{path.stem}.held-out{path.suffix}")
    return beside if os.path.isfile(beside) else None


def read_split(
    path: Path, settings: DataSettings, seed: int, also: Sequence[Path] = ()
) -> tuple[Dataset, Sequence[dict], Sequence[dict]]:
    """The data at ``path``, its examples to learn from, and those kept for checking (see ``split``).

    What a person should know of the split joins the notes of the dataset.
    """
    dataset, beside = read(path, settings, also), held_out_path(path, settings)
    held_out = read(beside, settings.changed(fixes=settings.fixes_everywhere)) if beside else None
    parts = split(dataset, held_out, settings, seed)
    return replace(dataset, notes=dataset.notes + parts.notes), parts.train, parts.held_out

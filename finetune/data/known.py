"""A cache of the kinds of data sets, so that a preflight does not read again what the page has just read.

An entry is valid if the same settings name the same files and none of them was modified since. Whether the files exist
and may be read is checked each time.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from finetune.data.dataset import Dataset
from finetune.data.hub import files
from finetune.data.loading import held_out_path, read
from finetune.data.mix import DatasetKind, Find, main_alone, named_others, require_mixable, with_doubt_of
from finetune.data.settings import DataSettings

MOST = 256
"""Data sets in the cache, at a few hundred bytes each; a sweep has 64 runs."""

Stamps = tuple[tuple, ...]
"""The state of some files: equal only if none of them was modified or replaced in between."""


def stamps(paths: Iterable[Path]) -> Stamps:
    """The current state of ``paths``, to be taken before they are read; a missing file has none.

    It includes the inode's change time, since a program may reset the modification time.
    """
    return tuple((str(path), *_stamp(path)) for path in paths)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        state = os.stat(path)
    except OSError:
        return ()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


class KnownKinds:
    """The kinds of the data sets that were read most recently."""

    def __init__(self):
        self._kinds: OrderedDict[tuple, DatasetKind] = OrderedDict()
        self._changing = threading.Lock()

    def kind(self, settings: DataSettings, find: Find, trusted: bool = True) -> DatasetKind:
        """The kind of the examples that ``settings`` name, mixed-in data sets included.

        Only what is not in the cache is read. ``DataError`` as ``mix.read_main`` and ``mix.read_others`` raise it.
        """
        main = self._kind(main_alone(settings), find, trusted)
        for each in named_others(settings):
            other = self._kind(each, find, trusted)
            require_mixable(main, each.path, other)
            main = with_doubt_of(main, each.path, other)
        return main

    def read(self, settings: DataSettings, find: Find, trusted: bool = True, prefilter: str = "") -> Dataset:
        """What ``mix.read_main`` reads; its kind is in the cache afterwards."""
        paths, before = self._found(settings, find, trusted)
        dataset = read(paths[0], settings, paths[1:], prefilter)
        self.remember(before, settings, dataset)
        return dataset

    def remember(self, before: Stamps, settings: DataSettings, dataset: Dataset) -> None:
        """Cache the kind of ``dataset``, read with ``settings`` from files that were in the state ``before``."""
        key = (before, settings.model_dump_json())
        with self._changing:
            self._kinds[key] = _kind_of(dataset, settings)
            self._kinds.move_to_end(key)
            while len(self._kinds) > MOST:
                self._kinds.popitem(last=False)

    def _kind(self, settings: DataSettings, find: Find, trusted: bool) -> DatasetKind:
        _, now = self._found(settings, find, trusted)
        known = self._kinds.get((now, settings.model_dump_json()))
        if known:
            return known
        dataset = self.read(settings, find, trusted)
        return _kind_of(dataset, settings)

    def _found(self, settings: DataSettings, find: Find, trusted: bool) -> tuple[list[Path], Stamps]:
        """The files that ``settings`` name and their state; ``DataError`` also if the held-out file is missing."""
        paths = files(settings, find, trusted)
        held_out_path(paths[0], settings, find)
        return paths, stamps(paths)


def _kind_of(dataset: Dataset, settings: DataSettings) -> DatasetKind:
    detected = dataset.detected
    if not (doubt := detected.doubt(settings.format)):
        return DatasetKind(dataset.kind, dataset.title)
    return DatasetKind(dataset.kind, dataset.title, doubt, detected.remedy, detected.remedy_if_mixed_in)

"""What is known of data that was read a moment ago, so that the very same is not read again to find out what it is.

It is the same if the same settings name the same files, and none of them was written since. That no file may be read
which may not be, and that all of them are there, is found out each time.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from finetune.data.dataset import Dataset
from finetune.data.hub import files
from finetune.data.loading import held_out_path, read
from finetune.data.mix import Find, Kind, main_alone, named_others, require_alike
from finetune.data.settings import DataSettings

MOST = 256
"""Data sets that are remembered, at a few hundred bytes each; a sweep has 64 runs."""

Stamps = tuple[tuple, ...]
"""The state of some files: equal only if none of them was written or replaced in between."""


def stamps(paths: Iterable[Path]) -> Stamps:
    """The state that ``paths`` are in now, to be taken before they are read; a file that has gone has none.

    The time of the last change of the inode is part of it, since a program that writes may set back the other one.
    """
    return tuple((str(path), *_stamp(path)) for path in paths)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        state = os.stat(path)
    except OSError:
        return ()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


class KnownKinds:
    """The kinds of the data sets that were read last."""

    def __init__(self):
        self._kinds: OrderedDict[tuple, Kind] = OrderedDict()
        self._changing = threading.Lock()

    def kind(self, settings: DataSettings, find: Find, trusted: bool = True) -> Kind:
        """The kind of the examples that ``settings`` name, all that is mixed in included.

        Only what is not known is read. ``DataError`` as ``mix.read_main`` and ``mix.read_others`` raise it.
        """
        main = self._kind(main_alone(settings), find, trusted)
        for each in named_others(settings):
            require_alike(main, each.path, self._kind(each, find, trusted))
        return main

    def read(self, settings: DataSettings, find: Find, trusted: bool = True, prefilter: str = "") -> Dataset:
        """What ``mix.read_main`` reads, and its kind is known from now on."""
        paths, before = self._found(settings, find, trusted)
        dataset = read(paths[0], settings, paths[1:], prefilter)
        self.learn(before, settings, dataset)
        return dataset

    def learn(self, before: Stamps, settings: DataSettings, dataset: Dataset) -> None:
        """Remember what was read as ``settings`` say from files whose state was ``before`` when it began."""
        key = (before, settings.model_dump_json())
        with self._changing:
            self._kinds[key] = Kind(dataset.kind, dataset.title)
            self._kinds.move_to_end(key)
            while len(self._kinds) > MOST:
                self._kinds.popitem(last=False)

    def _kind(self, settings: DataSettings, find: Find, trusted: bool) -> Kind:
        _, now = self._found(settings, find, trusted)
        known = self._kinds.get((now, settings.model_dump_json()))
        if known:
            return known
        dataset = self.read(settings, find, trusted)
        return Kind(dataset.kind, dataset.title)

    def _found(self, settings: DataSettings, find: Find, trusted: bool) -> tuple[list[Path], Stamps]:
        """The files that ``settings`` name and their state; ``DataError`` too if rows kept for checking are missing."""
        paths = files(settings, find, trusted)
        held_out_path(paths[0], settings)
        return paths, stamps(paths)

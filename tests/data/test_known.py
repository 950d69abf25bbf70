import os
import shutil

import pytest

from finetune.data import known
from finetune.data.known import KnownKinds, stamps
from finetune.data.loading import read
from finetune.data.mix import DatasetKind, read_main, read_others
from finetune.data.settings import DataSettings
from finetune.errors import DataError, FinetuneError

ROWS = '{"prompt": "What is it?", "completion": "A lamp."}\n' * 12
PAIRS = '{"prompt": "q", "chosen": "a", "rejected": "b"}\n' * 12
MAIN = DataSettings(path="main.jsonl")


@pytest.fixture
def folder(tmp_path):
    for name, text in (("main", ROWS), ("more", ROWS), ("pairs", PAIRS)):
        (tmp_path / f"{name}.jsonl").write_text(text)
    return tmp_path


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that were read."""
    names = []

    def noted(path, settings, also=(), prefilter=""):
        names.extend(each.name for each in (path, *also))
        return read(path, settings, also, prefilter)

    monkeypatch.setattr(known, "read", noted)
    return names


@pytest.fixture
def kind(folder):
    """A function that gives the kind of what settings name, and remembers."""
    remembered = KnownKinds()
    return lambda settings: remembered.kind(settings, lambda path: folder / path)


def test_the_same_data_is_read_once(kind, reads):
    assert kind(MAIN) == kind(MAIN) == DatasetKind("chat", "Prompts and completions")
    assert reads == ["main.jsonl"]


@pytest.mark.parametrize(
    "settings",
    [
        {"system": "Be kind."},
        {"fixes": ({"type": "drop", "rows": "1"},)},
        {"format": "prompt_completion"},
        {"also": ("more.jsonl",)},
    ],
)
def test_other_settings_are_other_data(kind, reads, settings):
    kind(MAIN)
    kind(MAIN.changed(**settings))
    assert reads.count("main.jsonl") == 2


def longer(path):
    path.write_text(ROWS * 2)


def as_long(path):
    path.write_text(ROWS.replace("lamp", "tree"))


def as_long_and_as_old(path):
    before = path.stat()
    as_long(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def another_in_its_place(path):
    shutil.copy2(path, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize("change", [longer, as_long, as_long_and_as_old, another_in_its_place])
@pytest.mark.parametrize("name", ["main", "more"])
def test_a_modified_file_is_read_again(folder, kind, reads, change, name):
    settings = MAIN.changed(also=("more.jsonl",))
    kind(settings)
    change(folder / f"{name}.jsonl")
    kind(settings)
    assert reads == ["main.jsonl", "more.jsonl"] * 2


def test_mixed_in_data_sets_are_cached_each_by_itself(folder, kind, reads):
    settings = MAIN.changed(mix=[{"path": "more.jsonl"}])
    kind(settings)
    kind(settings.changed(mix=[{"path": "more.jsonl", "weight": 0.5}], replay="more.jsonl"))
    kind(settings.changed(replay="more.jsonl", replay_share=0.5))
    assert reads == ["main.jsonl", "more.jsonl"]
    as_long(folder / "more.jsonl")
    kind(settings)
    assert reads == ["main.jsonl", "more.jsonl", "more.jsonl"]


@pytest.mark.parametrize("mixed", [{"replay": "pairs.jsonl"}, {"mix": [{"path": "pairs.jsonl"}]}])
def test_a_cached_kind_is_refused_in_the_words_of_reading(folder, kind, mixed):
    settings, find = MAIN.changed(**mixed), lambda path: folder / path
    with pytest.raises(DataError) as read_anew:
        read_others(settings, read_main(MAIN, find), find)
    kind(MAIN)
    kind(DataSettings(path="pairs.jsonl"))
    with pytest.raises(DataError) as known_before:
        kind(settings)
    assert str(known_before.value) == str(read_anew.value)


def test_a_file_that_has_gone_or_that_may_not_be_read_is_refused_though_its_rows_are_known(folder, reads):
    remembered = KnownKinds()
    remembered.kind(MAIN, lambda path: folder / path)

    def refuse(path):
        raise FinetuneError("This file may not be read.")

    with pytest.raises(FinetuneError, match="may not be read"):
        remembered.kind(MAIN, refuse)
    (folder / "main.jsonl").unlink()
    with pytest.raises(DataError, match=r"There is no file main\.jsonl"):
        remembered.kind(MAIN, lambda path: folder / path)


def test_a_missing_held_out_file_is_noticed_each_time(folder, kind):
    settings = MAIN.changed(held_out="more.jsonl")
    kind(settings)
    (folder / "more.jsonl").unlink()
    with pytest.raises(DataError, match=r"no file 'more\.jsonl' of held-out rows"):
        kind(settings)


def test_unreadable_data_is_never_cached(folder, kind, reads):
    (folder / "main.jsonl").write_text("{}\n")
    for _ in range(2):
        with pytest.raises(DataError):
            kind(MAIN)
    assert reads == ["main.jsonl"] * 2


def test_a_file_modified_while_it_is_read_is_read_again(folder, reads):
    remembered, find = KnownKinds(), lambda path: folder / path
    before = stamps([folder / "main.jsonl"])
    (folder / "main.jsonl").write_text(PAIRS)
    remembered.remember(before, MAIN, read(folder / "main.jsonl", MAIN))
    assert remembered.kind(MAIN, find).kind == "preference" and reads == ["main.jsonl"]


def test_only_the_most_recent_data_sets_are_cached(kind, reads, monkeypatch):
    monkeypatch.setattr(known, "MOST", 2)
    for system in ("a", "b", "a", "c", "b", "a"):
        kind(MAIN.changed(system=system))
    assert len(reads) == 4

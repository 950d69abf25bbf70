"""The download of a model by the real client from a stub of the Hub, and what its own client finds afterwards."""

import shutil
import threading
from collections import namedtuple

import pytest

from finetune.errors import DiskError, UnreachableError
from finetune.models import transfer
from finetune.models.download import find_cached, obtain
from finetune.models.locate import described
from finetune.recipe import ModelSettings
from tests.hub_stub import SHA, Repo

MODEL = ModelSettings(id="me/model")
WEIGHTS = "model.safetensors"
OTHERS = {
    "pytorch_model.bin": b"x" * 100,
    "model.fp16.safetensors": b"x" * 100,
    "consolidated.safetensors": b"x" * 100,
    "onnx/model.onnx": b"x" * 100,
    "original/consolidated.00.safetensors": b"x" * 100,
    "q4_k_m.gguf": b"x" * 100,
    ".gitattributes": b"x",
}


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_files_that_are_needed_are_taken_and_the_client_of_the_hub_finds_them(serve, files):
    from huggingface_hub import constants, scan_cache_dir, snapshot_download

    with serve(Repo({**files, **OTHERS, "README.md": b"# Tiny"})) as hub:
        folder = obtain(MODEL)
        asked = len(hub.asked)
        assert obtain(MODEL) == folder and len(hub.asked) == asked + 1, "the second time it only looks for a newer one"
    assert content(folder) == {**files, "README.md": b"# Tiny"}
    assert snapshot_download("me/model", local_files_only=True) == str(folder) and folder.name == SHA
    cache = scan_cache_dir(constants.HF_HUB_CACHE)  # its own default is read when it is imported
    (repo,) = cache.repos
    assert not cache.warnings and repo.refs.keys() == {"main"} and repo.nb_files == len(files) + 1
    assert find_cached(MODEL) == folder


def test_a_disk_that_is_too_full_is_told_before_it_begins(serve, files, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**40, 2**40 - 2**29, 2**29 + 100_000))
    with serve(Repo(files)) as hub, pytest.raises(DiskError) as caught:
        obtain(MODEL)
    assert "does not fit on the disk" in caught.value.message and "HF_HOME" in caught.value.hint
    assert hub.bytes_of(WEIGHTS) == 0


def test_a_disk_that_becomes_full_is_told(serve, files, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transfer, "place", fail)
    with serve(Repo(files)), pytest.raises(DiskError, match="The disk is full"):
        obtain(MODEL)


def test_a_model_that_is_here_is_read_also_when_the_hub_is_not_there(serve, files, monkeypatch):
    with serve(Repo(files)) as hub:
        folder = obtain(MODEL)
        hub.is_down = True
        assert obtain(MODEL) == folder
    assert obtain(MODEL) == folder, "nobody listens"
    with serve(Repo(files, refuses=(403, "GatedRepo"), error=(403, "GatedRepo"))):
        assert obtain(MODEL) == folder
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert obtain(MODEL) == folder
    with pytest.raises(UnreachableError, match="set to work offline"):
        obtain(ModelSettings(id="me/other"))


def test_a_model_that_is_here_in_part_is_not_taken_for_whole(serve, files):
    with serve(Repo(files, breaks=[1000] + [0] * 9)) as hub:
        with pytest.raises(UnreachableError):
            obtain(MODEL)
        hub.is_down = True
        with pytest.raises(UnreachableError):
            obtain(MODEL)


def test_a_newer_version_shares_the_files_that_did_not_change(serve, files):
    newer = Repo({**files, "README.md": b"newer"}, commit="f" * 40)
    with serve(Repo(files)):
        old = obtain(MODEL)
    with serve(newer) as hub:
        new = obtain(MODEL)
        pinned = obtain(ModelSettings(id="me/model", revision=SHA))
    assert content(new) == newer.files and pinned == old != new
    assert hub.bytes_of(WEIGHTS) == 0 and len(hub.asked) == 2, "the list, the README; nothing for a pinned version"


def test_two_at_once_download_it_once(serve, files):
    found = []
    with serve(Repo(files, pause_s=0.01)) as hub:
        threads = [threading.Thread(target=lambda: found.append(obtain(MODEL))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(found)) == 1 and len(found) == 3 and hub.bytes_of(WEIGHTS) == len(files[WEIGHTS])


def test_config_and_tokenizer_come_without_the_weights(serve, files, workspace):
    from transformers import AutoTokenizer

    with serve(Repo(files)) as hub:
        folder = described(MODEL, workspace)
        asked = len(hub.asked)
        assert described(MODEL, workspace) == folder and len(hub.asked) == asked, "once per process"
    assert len(AutoTokenizer.from_pretrained(folder)) == 259 and hub.bytes_of(WEIGHTS) == 0
    assert find_cached(MODEL) is None


def test_a_file_that_a_crash_left_short_or_without_its_content_is_downloaded_anew(serve, files):
    with serve(Repo(files)):
        folder = obtain(MODEL)
        (folder / WEIGHTS).resolve().write_bytes(b"short")
        assert content(obtain(MODEL)) == files
        (folder / WEIGHTS).resolve().unlink()
        assert content(obtain(MODEL)) == files
        (folder / "config.json").unlink()
        (folder / "config.json").write_bytes(b"{}")
        assert content(obtain(MODEL)) == files


def test_a_system_without_links_keeps_the_files_themselves(serve, files, monkeypatch):
    from pathlib import Path

    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    with serve(Repo(files)) as hub:
        folder = obtain(MODEL)
        assert obtain(MODEL) == folder and hub.bytes_of(WEIGHTS) == len(files[WEIGHTS])
    assert content(folder) == files and not any(path.is_symlink() for path in folder.iterdir())

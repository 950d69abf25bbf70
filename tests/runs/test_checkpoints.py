import errno
import os
import shutil
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.errors import DiskError
from finetune.runs.checkpoints import MANIFEST, Checkpoints, disk_errors, require_room


@pytest.fixture
def checkpoints(tmp_path):
    (tmp_path / "run").mkdir()
    return Checkpoints(tmp_path / "run" / "checkpoints")


def save(checkpoints, step, content=b"weights"):
    with checkpoints.staging(step, {"optimizer": "adamw"}) as folder:
        (folder / "model.safetensors").write_bytes(content)
        (folder / "more").mkdir()
        (folder / "more" / "state.json").write_text("{}")


def test_a_checkpoint_exists_once_it_is_complete(checkpoints):
    with checkpoints.staging(5) as folder:
        (folder / "model.safetensors").write_bytes(b"weights")
        assert checkpoints.all() == [] and checkpoints.newest().checkpoint is None
    (one,) = checkpoints.all()
    assert one.size_bytes == len(b"weights")
    assert (one.step, one.fault()) == (5, "") and one.path.name == "step-0000005"
    assert (one.path / "model.safetensors").read_bytes() == b"weights"


def test_an_error_while_a_checkpoint_is_written_leaves_nothing(checkpoints):
    save(checkpoints, 1)
    with pytest.raises(ValueError, match="in between"), checkpoints.staging(2):
        raise ValueError("in between")
    assert [path.name for path in checkpoints.folder.iterdir()] == ["step-0000001"]


def test_the_newest_is_found_by_its_step_and_not_by_its_date(checkpoints):
    for step in (10, 20, 30):
        save(checkpoints, step)
    os.utime(checkpoints.at(30).path, (0, 0))
    checkpoints.prune()
    assert [one.step for one in checkpoints.all()] == [20, 30] and checkpoints.newest().checkpoint.step == 30


def test_the_best_is_kept_beside_the_newest_two(checkpoints):
    for step in range(1, 6):
        save(checkpoints, step)
    checkpoints.prune(best_step=2)
    assert [one.step for one in checkpoints.all()] == [2, 4, 5]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_one_flipped_bit_is_found_wherever_it_is(data):
    with TemporaryDirectory() as folder:
        checkpoints = Checkpoints(folder)
        save(checkpoints, 1)
        save(checkpoints, 2, bytes(range(256)))
        files = sorted(path for path in checkpoints.at(2).path.rglob("*") if path.is_file())
        file = data.draw(st.sampled_from(files))
        content = bytearray(file.read_bytes())
        place = data.draw(st.integers(0, 8 * len(content) - 1))
        content[place // 8] ^= 1 << place % 8
        file.write_bytes(content)
        found = checkpoints.newest()
        assert found.checkpoint.step == 1 and "step 2 is damaged and was skipped" in found.skipped[0]


@pytest.mark.parametrize("name", ["model.safetensors", "more/state.json", MANIFEST])
def test_a_missing_file_is_found(checkpoints, name):
    save(checkpoints, 1)
    save(checkpoints, 2)
    (checkpoints.at(2).path / name).unlink()
    assert checkpoints.newest().checkpoint.step == 1 and checkpoints.at(2) is None


def test_a_checkpoint_is_complete_if_each_file_has_its_size(checkpoints):
    save(checkpoints, 1)
    (one,) = checkpoints.all()
    file = one.path / "model.safetensors"
    file.write_bytes(bytes(len(file.read_bytes())))
    assert one.is_complete and one.fault()
    file.write_bytes(file.read_bytes() + b"s")
    assert not one.is_complete
    file.unlink()
    assert not one.is_complete


def test_the_same_step_can_be_saved_again_over_a_damaged_one(checkpoints):
    save(checkpoints, 3)
    (checkpoints.at(3).path / "model.safetensors").write_bytes(b"WEIGHTS")
    save(checkpoints, 3, b"again")
    assert (checkpoints.at(3).path / "model.safetensors").read_bytes() == b"again"


def test_unfinished_folders_of_a_killed_process_are_pruned(checkpoints):
    save(checkpoints, 1)
    for name in (".staging-0000002", ".trash-0000000"):
        (checkpoints.folder / name).mkdir()
        (checkpoints.folder / name / "model.safetensors").write_bytes(b"half")
    save(checkpoints, 3)
    assert [path.name for path in sorted(checkpoints.folder.iterdir())] == ["step-0000001", "step-0000003"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_reported_with_its_free_space(checkpoints, error):
    save(checkpoints, 1)
    with pytest.raises(DiskError, match=r"disk is full \([\d,.]+ [GM]B free\)"), checkpoints.staging(2):
        raise error
    assert checkpoints.newest().checkpoint.step == 1


def test_other_errors_are_left_as_they_are(tmp_path):
    with pytest.raises(RuntimeError, match="shape"), disk_errors(tmp_path):
        raise RuntimeError("shape mismatch")


def test_too_little_room_is_reported_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100 * 2**20))
    require_room(tmp_path / "not" / "yet", 30 * 2**20, "a checkpoint")
    with pytest.raises(DiskError, match="too full for a checkpoint: it needs 164 MB, and 100 MB are free"):
        require_room(tmp_path, 100 * 2**20, "a checkpoint")


@pytest.mark.threat("S5")
def test_in_a_run_that_was_deleted_nothing_is_saved_and_no_folder_is_made_again(checkpoints):
    shutil.rmtree(checkpoints.folder.parent)
    with pytest.raises(FileNotFoundError):
        save(checkpoints, 1)
    assert not checkpoints.folder.parent.exists()

"""A disk fills up while a run trains: the run fails with the free space, and can be resumed from its checkpoint."""

import os
import random
import subprocess

import pytest

from finetune.runs.workspace import Workspace
from finetune.service.worker import work
from tests.faults.test_kill import SETTINGS, trials
from tests.training.test_train import recipe


@pytest.fixture
def small_disk(tmp_path, tiny_model):
    """A workspace on its own disk of 64 MB, which is removed afterwards."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder]).returncode:
        pytest.skip("mounting a small disk needs root")
    workspace = Workspace(folder / "workspace")
    (workspace.models_dir / "tiny").symlink_to(tiny_model)
    yield workspace
    subprocess.run(["umount", folder], check=True)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("times", trials(2, 20))
def test_a_full_disk_costs_at_most_one_save(times, small_disk, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.runs.checkpoints.RESERVE_BYTES", 0)  # so that the disk fills inside a save
    monkeypatch.setattr("finetune.training.trainer.require_room", lambda *_: None)
    generator = random.Random(times)
    for _ in range(times):
        run = small_disk.create(recipe(tmp_path, **SETTINGS | {"training.max_steps": 12, "evaluation.keep": "last"}))
        filler = small_disk.path / "filler"
        with monkeypatch.context() as patch:
            fill_at(patch, run, generator.randrange(2, 9), filler, generator.randrange(0, 200_000))
            work(run, small_disk)
        view = run.view()
        assert (view.state, view.code) == ("failed", "disk"), view.notes
        assert run.checkpoints.newest().checkpoint and not run.checkpoints.newest().skipped
        filler.unlink()
        run.requeue()
        work(run, small_disk)
        assert run.view().state == "done" and run.view().step == 12
        small_disk_is_emptied(run)


def fill_at(patch, run, step, filler, left):
    """Fill the disk except for ``left`` bytes once the run has reached ``step``."""
    emit = type(run).emit

    def emit_and_fill(self, event):
        emit(self, event)
        if getattr(event, "step", 0) == step and not filler.exists():
            free = os.statvfs(filler.parent).f_bavail * os.statvfs(filler.parent).f_frsize
            filler.write_bytes(bytes(max(0, free - left)))

    patch.setattr(type(run), "emit", emit_and_fill)


def small_disk_is_emptied(run):
    subprocess.run(["rm", "-r", run.path], check=True)
    assert not run.path.exists()


def test_a_run_without_room_for_its_checkpoints_does_not_start(small_disk, tmp_path):
    run = small_disk.create(recipe(tmp_path, **{"adapter.rank": 256}))
    work(run, small_disk)
    view = run.view()
    assert (view.state, view.code, view.step) == ("failed", "disk", 0)
    assert "too full for this run's checkpoints and its model: it needs" in view.message

import os

import pytest

from finetune.errors import RecipeError
from finetune.machine import space as spaces
from finetune.machine.space import Space, space
from finetune.service.preflight import require_runnable
from finetune.ui.method import tab as method
from finetune.ui.studio import Studio
from tests.training.test_train import recipe

BASIC = {"SPACE_ID": "me/studio", "CPU_CORES": "2", "MEMORY": "16Gi", "ACCELERATOR": "none"}
GPU = {"SPACE_ID": "me/studio", "CPU_CORES": "4", "MEMORY": "15Gi", "ACCELERATOR": "t4"}
DISK = "overlay / overlay rw 0 0\nproc /proc proc rw 0 0\n"


def a_machine(root, mounts=DISK):
    """A machine below ``root``: its workspace, and what is mounted."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mounts").write_text(mounts)
    workspace = root / "data/finetune"
    workspace.mkdir(parents=True)
    return workspace


def test_a_machine_that_is_no_space_has_nothing_to_say(tmp_path):
    assert space(a_machine(tmp_path), {"SYSTEM": "spaces", "CPU_CORES": "2"}, tmp_path) is None


@pytest.mark.parametrize(
    ("mounts", "kept"),
    [
        (DISK, False),  # a folder of the container
        (DISK + "/dev/nvme1n1 /data ext4 rw 0 0\n", False),  # the image's own volume
        (DISK + "127.0.0.1:/me/bucket /data nfs4 rw 0 0\n", True),
        (DISK + "hf-mount /data fuse.hf-mount rw 0 0\n", True),
        (DISK + "hf-mount /data2 fuse.hf-mount rw 0 0\n", False),
        (DISK + "hf-mount /data fuse rw 0 0\ntmpfs /data/finetune tmpfs rw 0 0\n", False),
        ("", False),
        ("torn", False),
    ],
)
def test_files_survive_on_storage_that_is_mounted_from_elsewhere(tmp_path, mounts, kept):
    found = space(a_machine(tmp_path, mounts), BASIC, tmp_path)
    assert found.is_kept == kept
    assert ("survive a restart" in found.words) == kept
    assert ("mount a bucket at /data" in found.words and "download" in found.words) != kept


def test_a_bucket_that_cannot_be_written_keeps_nothing(tmp_path, monkeypatch):
    workspace = a_machine(tmp_path, DISK + "hf-mount /data fuse rw 0 0\n")
    assert space(workspace, BASIC, tmp_path).is_kept
    monkeypatch.setattr(os, "access", lambda path, how: False)  # who runs the tests may be root, and write anywhere
    assert not space(workspace, BASIC, tmp_path).is_kept


def test_a_workspace_beside_the_storage_or_a_machine_without_mounts_keeps_nothing(tmp_path):
    a_machine(tmp_path, DISK + "hf-mount /data fuse rw 0 0\n")
    (tmp_path / "app/workspace").mkdir(parents=True)
    assert not space(tmp_path / "app/workspace", GPU, tmp_path).is_kept
    assert not space(tmp_path / "none", GPU, tmp_path / "nowhere").is_kept


def test_free_hardware_sleeps_and_other_hardware_only_if_it_is_told_to(tmp_path):
    workspace = a_machine(tmp_path)
    basic, gpu = space(workspace, BASIC, tmp_path), space(workspace, GPU, tmp_path)
    upgraded = space(workspace, {**BASIC, "CPU_CORES": "8", "MEMORY": "32Gi"}, tmp_path)
    silent = space(workspace, {"SPACE_ID": "me/studio"}, tmp_path)
    assert basic.is_basic and "after 48 hours without a visitor" in basic.words and "-1" not in basic.words
    for each in (gpu, upgraded, silent):
        assert not each.is_basic and "If a sleep time is set" in each.words and "set it to -1" in each.words
    assert all("also while it trains" in each.words for each in (basic, gpu))


@pytest.mark.parametrize(
    "found", [Space(kept, basic, zero) for kept in (True, False) for basic in (True, False) for zero in (True, False)]
)
def test_it_is_said_in_at_most_three_short_sentences(found):
    assert 1 <= found.words.count(". ") + 1 <= 3 and len(found.words) < 260


@pytest.fixture
def on_a_space(monkeypatch):
    for name, value in BASIC.items():
        monkeypatch.setenv(name, value)


def test_the_page_and_the_run_say_it(on_a_space, trained, workspace):
    found = space(workspace.path)
    words, page = found.words, method_tab(workspace)
    assert found.keeps in page and found.sleeps in page
    view = trained(**{"training.max_steps": 1, "evaluation.times": 0}).view()
    assert (words, "warning") in [(note.message, note.level) for note in view.notes]


def test_elsewhere_neither_says_anything(workspace, monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert "Space" not in method_tab(workspace)


def method_tab(workspace) -> str:
    """The texts of the Method tab's components above the Start button."""
    import gradio as gr

    studio = Studio(workspace)
    studio.queue.close(0)
    with gr.Blocks() as blocks:
        method.draw(studio)
    return "\n".join(str(block.value) for block in blocks.blocks.values() if getattr(block, "elem_id", "") == "space")


@pytest.mark.parametrize("variable", [{"SPACES_ZERO_GPU": "true"}, {"SPACES_ZERO_GPU": "1"}])
def test_nothing_is_trained_on_zerogpu(on_a_space, with_tiny, tmp_path, monkeypatch, variable):
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RecipeError, match="ZeroGPU"):
        require_runnable(recipe(tmp_path), with_tiny)
    assert "Docker Space" in method_tab(with_tiny)
    monkeypatch.setenv("SPACES_ZERO_GPU", "false")
    require_runnable(recipe(tmp_path), with_tiny)


def test_the_root_of_a_machine_is_its_own():
    assert str(spaces.ROOT) == "/"

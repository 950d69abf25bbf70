"""A run is tied to what it was made from: a resumed run, a chat and an export refuse anything else."""

import json
import shutil
import zipfile

import pytest

from finetune.errors import ModelError, RunError
from finetune.exports.adapter import Adapter
from finetune.exports.merged import Merged
from finetune.exports.script import Script
from finetune.inference.chat import Pair
from finetune.runs.run import Run
from finetune.training.train import train
from tests.tiny import write_tiny_model
from tests.training.test_train import asking, recipe, write_rows


@pytest.fixture
def own(workspace, tiny_model):
    """A workspace with a tiny model of its own, which may be replaced."""
    shutil.copytree(tiny_model, workspace.models_dir / "tiny")
    return workspace


@pytest.fixture
def paused(own, tmp_path, monkeypatch):
    """A run that was paused after its third step, and queued again."""
    run = own.create(recipe(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(Run, "emit", asking(run.emit, run, 3))
        with run.held():
            train(run, own)
    assert run.view().state == "paused"
    run.requeue()
    return run


def resume(run, workspace):
    with run.held():
        train(run, workspace)
    return run.view().state


def reworded(path):
    path.write_text(path.read_text(encoding="utf-8").replace("Arr, the sea!", "Yes, the sea!"), encoding="utf-8")


def halved(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[: len(lines) // 2]), encoding="utf-8")


def turned_around(path):
    path.write_text("\n".join(reversed(path.read_text(encoding="utf-8").splitlines())), encoding="utf-8")


@pytest.mark.parametrize("change", [reworded, halved, turned_around])
def test_a_run_is_not_resumed_on_other_rows_and_is_once_they_are_back(change, paused, own, tmp_path):
    path = tmp_path / "sft.jsonl"
    change(path)
    with pytest.raises(RunError, match="data of run 001-sft-lora has changed since") as refused:
        resume(paused, own)
    assert "Restore the data file, or start a new run" in refused.value.hint
    write_rows(tmp_path)
    assert resume(paused, own) == "done"


def test_a_run_is_not_resumed_on_another_base(paused, own):
    write_tiny_model(own.models_dir / "tiny", seed=1)
    with pytest.raises(RunError, match="The model tiny has changed since run 001-sft-lora was trained"):
        resume(paused, own)


def test_a_run_without_fingerprints_is_resumed_as_before(paused, own, tmp_path):
    lines = paused.events_path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["event"] != "Fingerprinted"]
    assert len(kept) == len(lines) - 1
    paused.events_path.write_text("".join(kept), encoding="utf-8")
    reworded(tmp_path / "sft.jsonl")
    assert resume(paused, own) == "done"


def test_rows_may_be_mended_while_no_step_was_taken(own, tmp_path, monkeypatch):
    run = own.create(recipe(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr("finetune.training.train.load_start", lambda *_: 1 / 0)
        with run.held(), pytest.raises(ZeroDivisionError):
            train(run, own)
    assert run.view().fingerprint
    reworded(tmp_path / "sft.jsonl")
    assert resume(run, own) == "done"


def test_chat_and_exports_refuse_a_base_that_was_replaced(own, tmp_path):
    run = own.create(recipe(tmp_path, **{"training.max_steps": 2}))
    assert resume(run, own) == "done"
    further = own.create(recipe(tmp_path, **{"training.max_steps": 2, "model.run": run.id}))
    write_tiny_model(own.models_dir / "tiny", seed=1)
    for call in (
        lambda: Pair.load(run, own),
        lambda: Merged().write(run, own, tmp_path / "merged"),
        lambda: Script().write(run, own, tmp_path / "script"),
        lambda: resume(further, own),
    ):
        with pytest.raises(RunError, match="The model tiny has changed since run 001-sft-lora was trained"):
            call()


def test_without_its_base_a_run_is_not_resumed_asked_or_merged_and_its_adapter_leaves_all_the_same(
    paused, own, tmp_path
):
    shutil.rmtree(own.models_dir / "tiny")
    with pytest.raises(ModelError, match="There is no model 'tiny'"):
        resume(paused, own)
    paused.model_dir.mkdir()
    newest = paused.checkpoints.newest().checkpoint.path
    for file in newest.glob("adapter_*"):
        shutil.copy(file, paused.model_dir)
    for call in (lambda: Pair.load(paused, own), lambda: Merged().write(paused, own, tmp_path / "merged")):
        with pytest.raises(ModelError, match="There is no model 'tiny'"):
            call()
    with zipfile.ZipFile(Adapter().write(paused, own, tmp_path / "adapter").path) as archive:
        assert "model/adapter_model.safetensors" in archive.namelist()


def test_a_script_refuses_reworded_rows_and_an_earlier_run_that_was_trained_on(own, tmp_path):
    first = own.create(recipe(tmp_path, **{"training.max_steps": 2}))
    resume(first, own)
    run = own.create(recipe(tmp_path, **{"training.max_steps": 2, "model.run": first.id}))
    resume(run, own)
    reworded(tmp_path / "sft.jsonl")
    with pytest.raises(RunError, match="data of run 002-sft-lora has changed since"):
        Script().write(run, own, tmp_path / "script")
    write_rows(tmp_path)
    Script().write(run, own, tmp_path / "script")
    weights = next(first.model_dir.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(RunError, match="Run 001-sft-lora has been trained on since run 002-sft-lora began"):
        Script().write(run, own, tmp_path / "again")

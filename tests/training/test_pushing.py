"""Checkpoints pushed to a stand-in of the Hub while a run trains, and a run that is resumed from there."""

import shutil
import threading
import time

import pytest

from finetune.errors import ModelError, RecipeError, RunError, UnreachableError
from finetune.models.hub import share_token
from finetune.runs import events
from finetune.runs.checkpoints import Checkpoint
from finetune.runs.workspace import Workspace
from finetune.service.preflight import require_runnable
from finetune.training.pushing import Pusher, fetch
from finetune.training.train import train
from tests.hub_writing import Fault
from tests.pace import wait_for
from tests.training.test_train import asking, recipe

REPO = "ada/pirate-run"
SETTINGS = {"training.precision": "fp32", "training.max_steps": 8, "training.save_steps": 2, "evaluation.times": 0}


def stored(hub) -> dict[str, bytes]:
    return {name: content for name, content in hub.repos[REPO].files.items() if name != ".gitattributes"}


def steps_in(hub) -> set[str]:
    return {name.split("/")[1] for name in stored(hub) if name.startswith("checkpoints/")}


def notes(run) -> list[str]:
    return [event.message for event in run.events()[0] if isinstance(event, events.Noted) and "push" in event.message]


@pytest.fixture
def saved(write_run):
    """A run, and a function that writes its checkpoint of a step."""
    run = write_run(state=None)
    run.checkpoints.folder.mkdir()

    def save(step) -> Checkpoint:
        with run.checkpoints.staging(step) as folder:
            (folder / "adapter_model.safetensors").write_bytes(b"weights %d" % step * 9_000)
        return run.checkpoints.all()[-1]

    return run, save


def pusher_of(run) -> Pusher:
    return Pusher(run, REPO)


@pytest.mark.parametrize("adapter", ["lora", pytest.param("full", marks=pytest.mark.heavy)])
def test_a_run_that_is_resumed_from_the_hub_equals_an_uninterrupted_one(
    hub, trained, with_tiny, tiny_model, tmp_path, monkeypatch, adapter
):
    given = SETTINGS | {"adapter": adapter}
    whole = trained(**given)
    first = with_tiny.create(recipe(tmp_path, **given, **{"training.push_to": REPO}))
    with monkeypatch.context() as patch:
        patch.setattr(type(first), "emit", asking(first.emit, first, 5))
        with first.held():
            train(first, with_tiny)
    assert hub.created == [{"name": "pirate-run", "organization": "ada", "visibility": "private"}]
    assert len(steps_in(hub)) == 1 and {name.split("/")[0] for name in stored(hub)} == {
        "checkpoints",
        "events.jsonl",
        "recipe.yaml",
    }
    assert notes(first) == [] and not (first.path / ".push").exists()
    shutil.rmtree(first.path)
    other = Workspace(tmp_path / "another machine")
    (other.models_dir / "tiny").symlink_to(tiny_model)
    run = fetch(REPO, other)
    assert run.view().state == "interrupted" and run.checkpoints.newest().checkpoint.step in (5, 6)
    run.requeue()
    with run.held():
        train(run, other)
    assert [step.loss for step in run.view().steps] == [step.loss for step in whole.view().steps]
    weights = "adapter_model.safetensors" if adapter == "lora" else "model.safetensors"
    assert (run.model_dir / weights).read_bytes() == (whole.model_dir / weights).read_bytes()
    assert steps_in(hub) == {"step-0000008"}, "it continues to push to the same repository"


def test_training_does_not_wait_and_of_those_that_wait_the_newest_is_sent(hub, saved):
    run, save = saved
    hub.gate = threading.Event()
    pusher = pusher_of(run)
    pusher.offer(save(1))
    wait_for(lambda: any(method == "PUT" for method, *_ in hub.asked))
    began = time.monotonic()
    for step in (2, 3, 4):
        pusher.offer(save(step))
    assert time.monotonic() - began < 5 and REPO in hub.repos and stored(hub) == {}
    hub.gate.set()
    pusher.close(30)
    kept = [{name.split("/")[1] for name in files if "/" in name} for _, files in hub.repos[REPO].commits]
    assert kept == [set(), {"step-0000001"}, {"step-0000004"}]
    assert notes(run) == []


def test_a_checkpoint_that_is_pruned_meanwhile_arrives_whole(hub, saved):
    run, save = saved
    hub.gate = threading.Event()
    pusher = pusher_of(run)
    checkpoint = save(1)
    pusher.offer(checkpoint)
    shutil.rmtree(checkpoint.path)
    hub.gate.set()
    pusher.close(30)
    assert stored(hub)["checkpoints/step-0000001/adapter_model.safetensors"] == b"weights 1" * 9_000


def test_a_failure_is_an_event_once_and_the_next_checkpoint_is_sent(hub, saved):
    run, save = saved
    hub.faults = [Fault("POST .*commit", 403, times=2)]
    pusher = pusher_of(run)
    for step in (1, 2, 3):
        pusher.offer(save(step))
        wait_for(lambda: not pusher._is_busy and not pusher._waiting)
    pusher.close(30)
    (note,) = notes(run)
    assert note.startswith(f"A checkpoint was not pushed to {REPO}: ") and "may not write" in note
    assert steps_in(hub) == {"step-0000003"} and hub.token not in run.events_path.read_text()


def test_the_end_of_a_run_waits_for_its_last_checkpoint_but_not_for_ever(hub, saved):
    run, save = saved
    hub.gate = threading.Event()
    pusher = pusher_of(run)
    pusher.offer(save(1))
    began = time.monotonic()
    pusher.close(0.5)
    assert 0.4 < time.monotonic() - began < 5 and "did not arrive in time" in notes(run)[0]
    hub.gate.set()
    pusher._thread.join(30)  # a client of the Hub that fails closes the connections of all


def test_a_repository_of_others_or_a_public_one_is_left_as_it_is(hub, saved):
    run, save = saved
    for private, files, words in ((True, {"model.bin": b"x"}, "other files"), (False, {}, "is public")):
        hub.create(REPO, private=private, **files)
        pusher = pusher_of(run)
        pusher.offer(save(1))
        pusher.close(30)
        assert words in notes(run)[-1] and stored(hub) == files


def test_no_start_without_a_token_or_offline(hub, with_tiny, tmp_path, monkeypatch):
    made = recipe(tmp_path, **{"training.push_to": REPO})
    require_runnable(made, with_tiny)
    share_token(False)
    try:
        with pytest.raises(RecipeError) as caught:
            require_runnable(made, with_tiny)
    finally:
        share_token(True)
    assert [problem.where for problem in caught.value.problems] == ["training.push_to"]
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RecipeError, match="HF_HUB_OFFLINE"):
        require_runnable(made, with_tiny)
    require_runnable(recipe(tmp_path), with_tiny)
    assert hub.asked == []


@pytest.mark.parametrize("name", ["pirate", "a/b/c", "../x", "/a", "https://huggingface.co/a/b"])
def test_what_is_no_repository_is_no_value(tmp_path, name):
    with pytest.raises(RecipeError, match="push_to"):
        recipe(tmp_path, **{"training.push_to": name})


def test_what_is_no_run_or_no_whole_checkpoint_makes_no_run(hub, saved, workspace):
    run, save = saved
    with pytest.raises(ModelError, match="There is no model ada/none on the Hub, or it is private"):
        fetch("ada/none", workspace)
    hub.create("ada/model", **{"config.json": b"{}"})
    with pytest.raises(RunError, match="no run that could be resumed"):
        fetch("ada/model", workspace)
    pusher = pusher_of(run)
    pusher.offer(save(1))
    pusher.close(30)
    name = "checkpoints/step-0000001/adapter_model.safetensors"
    files = hub.repos[REPO].files
    hub.repos[REPO].put({**files, name: b"x" + files[name][1:]})
    with pytest.raises(RunError, match="does not match its checksum"):
        fetch(REPO, workspace)
    assert [each.id for each in workspace.runs()] == [run.id]
    assert not list(workspace.runs_dir.glob(".fetched-*"))
    hub.is_down = True
    with pytest.raises(UnreachableError):
        fetch(REPO, workspace)


def test_the_command_names_a_run_or_a_repository(hub, command):
    for words in (["resume"], ["resume", "1", "--from-hub", REPO]):
        code, _, error = command(*words)
        assert code == 2 and "Name one run, or one repository." in error
    code, _, error = command("resume", "--from-hub", "ada/none")
    assert code == 2 and "ada/none" in error

"""A run whose model is on the Hub: its download is a phase of its own, can be stopped, and the version stays."""

import threading
import time

import pytest

from finetune.runs.events import Entered, Fetched, Pinned
from finetune.service.worker import work
from finetune.training.base import Progress
from tests.hub_stub import SHA, Repo
from tests.training.test_train import recipe

FEW = {"training.max_steps": 2, "evaluation.times": 0}


def phases(run):
    return [event.phase for event in run.events()[0] if isinstance(event, Entered)]


def test_the_download_is_a_phase_and_the_run_stays_with_its_version(serve, files, workspace, tmp_path):
    run = workspace.create(recipe(tmp_path, **{"model.id": "me/model", **FEW}))
    with serve(Repo(files)) as hub:
        work(run, workspace)
        asked = len(hub.asked)
    view, found = run.view(), run.events()[0]
    assert view.state == "done" and phases(run) == [
        "downloading",
        "loading",
        "tokenizing",
        "loading",
        "training",
        "saving",
    ]
    whole = len(files["model.safetensors"])
    assert [(each.done_bytes, each.total_bytes) for each in found if isinstance(each, Fetched)][-1] == (whole, whole)
    assert [each.commit for each in found if isinstance(each, Pinned)] == [SHA] and run.as_trained.model.revision == SHA
    assert run.recipe.model.revision is None, "the recipe is what was asked for"
    lists = [path for _, path, _ in hub.asked if path.startswith("api/")]
    assert len(lists) == 1 and asked == len(hub.asked), "it was looked up once, and nothing was asked for afterwards"
    with serve(Repo(files, commit="f" * 40)) as newer:
        again = workspace.create(recipe(tmp_path, **{"model.id": "me/model", "model.run": run.id, **FEW}))
        work(again, workspace)
    assert again.view().state == "done" and again.as_trained.model.revision == SHA and newer.asked == []
    with serve(Repo(files, commit="f" * 40)):
        third = workspace.create(recipe(tmp_path, **{"model.id": "me/model", **FEW}))
        work(third, workspace)
    assert third.view().state == "done" and third.as_trained.model.revision == "f" * 40


@pytest.mark.parametrize("what, state", [("stop", "stopped"), ("pause", "paused"), ("yield", "interrupted")])
def test_a_run_can_be_asked_to_end_while_its_model_comes_and_continues_there(
    serve, files, workspace, tmp_path, what, state
):
    run = workspace.create(recipe(tmp_path, **{"model.id": "me/model", **FEW}))
    with serve(Repo(files, pause_s=1.0)) as hub:
        worker = threading.Thread(target=work, args=(run, workspace))
        worker.start()
        while not hub.sent or run.view().fetched is None or not run.view().fetched.done_bytes:
            time.sleep(0.02)
        assert run.view().phase == "downloading"
        run.ask(what)
        asked = time.monotonic()
        worker.join()
        assert time.monotonic() - asked < 4, "the whole file would have taken 12 s"
        view = run.view()
        assert view.state == state and view.is_partly_fetched and "are here" in view.message and not view.code
        hub.repos["me/model"].pause_s = 0.0
        run.requeue()
        work(run, workspace)
    assert run.view().state == "done"
    first, second = sorted(start for name, start, _ in hub.sent if name == "model.safetensors")
    assert first == 0 < second


def test_a_download_that_breaks_off_fails_the_run_in_words_and_a_resumed_one_continues(
    serve, files, workspace, tmp_path
):
    run = workspace.create(recipe(tmp_path, **{"model.id": "me/model", **FEW}))
    with serve(Repo(files, breaks=[100_000, 0, 0, 0, 0])) as hub:
        work(run, workspace)
        view = run.view()
        assert (view.state, view.code) == ("failed", "model") and "98 kB of" in view.message
        assert "continued" in view.hint or "not downloaded again" in view.hint
        hub.repos["me/model"].breaks.clear()
        run.requeue()
        work(run, workspace)
    assert run.view().state == "done" and hub.bytes_of("model.safetensors") == len(files["model.safetensors"])


def test_a_model_that_is_here_is_read_without_the_hub_and_the_run_says_so(serve, files, workspace, tmp_path):
    first, second = (workspace.create(recipe(tmp_path, **{"model.id": "me/model", **FEW})) for _ in range(2))
    with serve(Repo(files)) as hub:
        work(first, workspace)
        hub.is_down = True
        work(second, workspace)
    assert "downloading" not in phases(second) and second.as_trained.model.revision == SHA
    (note,) = [note.message for note in second.view().notes if "as it is on this machine" in note.message]
    assert "cannot be reached" in note


def test_without_hub_and_model_the_run_fails_in_words(workspace, tmp_path):
    run = workspace.create(recipe(tmp_path, **{"model.id": "me/model", **FEW}))
    work(run, workspace)
    assert run.view().code == "model" and "could not be looked up on the Hub" in run.view().message


def test_progress_is_written_seldom_and_the_last_of_it_always(workspace, tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    run = workspace.create(recipe(tmp_path))
    progress, hours = Progress(run), 4
    for second in range(hours * 3600 + 1):
        clock[0] = float(second)
        for part in range(4):
            clock[0] = second + part / 4
            progress(second * 10**6, hours * 3600 * 10**6)
    progress.report()
    found = [event for event in run.events()[0] if isinstance(event, Fetched)]
    assert len(found) < 2000 and found[-1].done_bytes == found[-1].total_bytes
    assert found[500].bytes_per_s == pytest.approx(10**6, rel=0.1)
    assert found[500].eta_s == pytest.approx((found[500].total_bytes - found[500].done_bytes) / 10**6, rel=0.1)

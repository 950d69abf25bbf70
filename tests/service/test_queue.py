import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from finetune.errors import RecipeError, RunError
from finetune.machine.lease import Lease
from finetune.recipe import Recipe
from finetune.runs.events import Ended, Entered
from finetune.service.limits import Limits
from finetune.service.queue import RunQueue
from tests.pace import wait_for
from tests.training.test_train import recipe


def test_runs_are_trained_in_the_order_of_the_queue(with_tiny, tmp_path):
    queue = RunQueue(with_tiny)
    first, second = (queue.submit(recipe(tmp_path)) for _ in range(2))
    assert second.id in [run.id for run in queue.waiting()]
    wait_for(lambda: second.view().state == "done")
    assert first.view().ended_at <= second.view().started_at


def test_a_queued_run_is_stopped_at_once(with_tiny, tmp_path):
    queue = RunQueue(with_tiny)
    first, second = queue.submit(recipe(tmp_path)), queue.submit(recipe(tmp_path))
    queue.stop(second.id)
    assert second.view().state == "stopped" and not second.view().has_model
    wait_for(lambda: first.view().state == "done")
    assert second.view().started_at is None


def test_a_paused_run_frees_the_device_and_continues_when_it_is_resumed(with_tiny, tmp_path):
    queue = RunQueue(with_tiny)
    first = queue.submit(recipe(tmp_path, **{"training.max_steps": 400, "evaluation.times": 1}))
    wait_for(lambda: first.view().step >= 2)
    queue.pause(first.id)
    second = queue.submit(recipe(tmp_path))
    wait_for(lambda: second.view().state == "done")
    assert first.view().state == "paused" and not first.view().has_model
    paused_at = first.view().step
    queue.resume(first.id)
    wait_for(lambda: first.view().step > paused_at)
    queue.stop(first.id)
    wait_for(lambda: first.view().state == "stopped")
    assert first.view().has_model and first.view().started_at > second.view().ended_at


def test_the_order_of_the_queue_can_be_changed_and_survives_a_restart(with_tiny, tmp_path):
    with Lease(with_tiny.path):
        queue = RunQueue(with_tiny)
        queue.submit(recipe(tmp_path))
        wait_for(lambda: queue.current)
        second, third, fourth = (queue.submit(recipe(tmp_path)) for _ in range(3))
        queue.move(fourth.id, -1)
        queue.move(second.id, 9)
        assert [run.id for run in queue.waiting()] == [fourth.id, third.id, second.id]
        with pytest.raises(RunError, match="is not queued"):
            queue.move(queue.current.id, 1)
        queue.close(10)
        again = RunQueue(with_tiny)
        wait_for(lambda: again.current)
        assert [again.current.id, *(run.id for run in again.waiting())] == [fourth.id, third.id, second.id]
        for run in (second, third, fourth):
            again.stop(run.id)


def test_an_ended_run_is_deleted_and_remains_of_others_are_pruned(with_tiny, tmp_path):
    (with_tiny.runs_dir / ".trash-009-old").mkdir()
    run = with_tiny.create(recipe(tmp_path))
    run.emit(Ended(state="stopped"))
    queue = RunQueue(with_tiny)
    queue.delete(run.id)
    assert [path.name for path in with_tiny.runs_dir.glob("*") if path.is_dir()] == []
    with pytest.raises(RunError, match="There is no run"):
        queue.delete(run.id)


def test_a_disk_too_full_for_the_order_of_the_queue_stops_no_run(with_tiny, tmp_path):
    (with_tiny.path / ".queue.json").mkdir()  # so that it cannot be written
    run = RunQueue(with_tiny).submit(recipe(tmp_path))
    wait_for(lambda: run.view().state in ("done", "failed"))
    assert run.view().state == "done" and not (with_tiny.path / "queue.json").exists()


def test_a_finished_or_running_run_cannot_be_resumed(with_tiny, tmp_path):
    queue = RunQueue(with_tiny)
    run = queue.submit(recipe(tmp_path))
    with pytest.raises(RunError, match="has not ended"):
        queue.resume(run.id)
    wait_for(lambda: run.view().state == "done")
    with pytest.raises(RunError, match="is finished"):
        queue.resume(run.id)


def test_at_the_end_of_the_program_the_run_saves_a_checkpoint(with_tiny, tmp_path):
    queue = RunQueue(with_tiny)
    run = queue.submit(recipe(tmp_path, **{"training.max_steps": 1000, "evaluation.times": 1}))
    waiting = queue.submit(recipe(tmp_path))
    wait_for(lambda: run.view().step >= 2)
    assert queue.close(30)
    view = run.view()
    assert view.state == "interrupted" and run.checkpoints.newest().checkpoint.step == view.step
    assert "The program was asked to end." in [note.message for note in view.notes]
    assert waiting.view().state == "queued"


def test_a_worker_thread_that_ends_unexpectedly_is_noticed_and_replaced(with_tiny, tmp_path, monkeypatch):
    def vanish(*_):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("finetune.training.train.prepare", vanish)
        queue = RunQueue(with_tiny)
        run = queue.submit(recipe(tmp_path))
        wait_for(lambda: run.view().state == "failed", seconds=20)
    assert "without an error message" in run.view().message and not run.is_held
    queue.resume(run.id)
    wait_for(lambda: run.view().state == "done")


def test_a_lost_context_saves_nothing_and_asks_for_a_new_process(with_tiny, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr("finetune.training.train.prepare", fail)
    queue = RunQueue(with_tiny)
    run = queue.submit(recipe(tmp_path))
    assert queue.context_lost.wait(60)
    assert run.view().code == "gpu" and not run.checkpoints.all()


def test_a_run_of_another_process_is_left_alone(with_tiny, tmp_path):
    mine = with_tiny.create(recipe(tmp_path))
    with mine.held():
        queue = RunQueue(with_tiny)
        second = queue.submit(recipe(tmp_path))
        wait_for(lambda: second.view().state == "done")
    assert mine.view().state == "queued" and mine.view().started_at is None


def test_runs_queued_when_the_program_ended_are_trained_at_the_next_start(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path))
    RunQueue(with_tiny)
    wait_for(lambda: run.view().state == "done")
    assert run.view().has_model


def test_all_problems_are_reported_before_a_run_is_made(with_tiny, tmp_path):
    bad = recipe(
        tmp_path, **{"training.batch_size": 5, "training.accumulation": 2, "model.id": "nowhere", "method.type": "dpo"}
    )
    bad = bad.changed(**{"data.path": str(tmp_path / "sft.jsonl")})
    recipe(tmp_path)
    with pytest.raises(RecipeError) as caught:
        RunQueue(with_tiny).submit(bad)
    assert {problem.where for problem in caught.value.problems} == {"training.accumulation", "model.id", "method"}
    assert with_tiny.runs() == []


def test_a_queued_run_waits_for_a_device_in_use_elsewhere(with_tiny, tmp_path):
    with Lease(with_tiny.path):
        run = RunQueue(with_tiny).submit(recipe(tmp_path))
        wait_for(lambda: run.is_held)
        assert run.view().started_at is None
    wait_for(lambda: run.view().state == "done")
    assert run.view().has_model


def test_the_heavy_libraries_load_in_the_background(with_tiny):
    queue = RunQueue(with_tiny)
    queue.warm()
    wait_for(lambda: queue.is_warm)
    assert Recipe.from_dict({"data": {"path": "x"}}).name == "untitled"


@pytest.mark.threat("S19")
def test_a_run_is_queued_for_its_owner(with_tiny, tmp_path):
    with Lease(with_tiny.path):
        queue = RunQueue(with_tiny)
        run = queue.submit(recipe(tmp_path), owner="ana")
        assert (run.owner, with_tiny.run(run.id).owner) == ("ana", "ana")
        queue.stop(run.id)


@pytest.mark.threat("T41", "S4")
def test_a_flood_of_starts_is_refused_before_a_run_is_made(with_tiny, tmp_path):
    asked = recipe(tmp_path)
    with Lease(with_tiny.path):
        queue = RunQueue(with_tiny, Limits(each=3, in_all=5))
        queue.submit(asked, owner="first")
        wait_for(lambda: queue.current)

        def start(owner):
            try:
                return queue.submit(asked, owner=owner).id
            except RunError as error:
                return error.message

        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(start, ["ana"] * 12))
            answers += list(pool.map(start, ["ben", "cem", "dan"]))
        assert answers.count("3 runs of yours wait already; at most 3 may.") == 9
        assert answers.count("5 runs wait already; at most 5 may.") == 1
        assert len(with_tiny.runs()) == 6 and len(queue.waiting()) == 5
        stopped = with_tiny.create(asked, "ana")
        stopped.emit(Ended(state="stopped"))
        with pytest.raises(RunError, match="wait already"):
            queue.resume(stopped.id)
        assert stopped.view().state == "stopped"
        queue.stop(queue.waiting()[-1].id)
        shutil.rmtree(queue.waiting()[0].path)
        assert [start(owner) for owner in ("eva", "fay")] == ["008-sft-lora", "009-sft-lora"]
        for run in queue.waiting():
            queue.stop(run.id)


def phase(name):
    return lambda run: name in [event.phase for event in run.events()[0] if isinstance(event, Entered)]


PHASES = {
    "waiting for the device": lambda run: run.is_held and run.view().started_at is None,
    "preparing": phase("tokenizing"),
    "training": lambda run: run.view().step >= 3,
    "saving": lambda run: any(run.checkpoints.folder.glob(".staging-*")),
}


@pytest.mark.threat("S5")
@pytest.mark.parametrize("at", PHASES)
def test_the_folder_of_a_run_at_work_is_deleted_and_the_next_runs_start(with_tiny, tmp_path, at, caplog):
    caplog.set_level("INFO")
    first = with_tiny.create(recipe(tmp_path, **{"training.max_steps": 100_000, "training.save_steps": 2}))
    gone, last = with_tiny.create(recipe(tmp_path)), with_tiny.create(recipe(tmp_path))
    with Lease(with_tiny.path) if at.startswith("waiting") else nullcontext():
        queue = RunQueue(with_tiny)
        workers = {thread.name: thread for thread in (queue._worker,)}
        wait_for(lambda: PHASES[at](first))
        shutil.rmtree(gone.path)
        delete(first.path)
        assert gone.id not in [run.id for run in queue.waiting()]
    wait_for(lambda: last.view().state == "done")
    assert all(thread.is_alive() for thread in workers.values()) and queue._worker in workers.values()
    assert not first.path.exists() and not gone.path.exists() and with_tiny.runs()[0].id == last.id
    assert "any more. Its folder was deleted." in caplog.text or at.startswith("waiting")
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.threat("S5")
def test_the_folder_of_a_run_is_deleted_while_it_is_evaluated(with_tiny, tmp_path, monkeypatch):
    def deleted(run, *_):
        delete(run.path)
        raise FileNotFoundError(run.path)

    first, last = (with_tiny.create(recipe(tmp_path, **{"evaluation.score_rows": 5})) for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setattr("finetune.evaluation.evaluate.evaluate", deleted)
        queue = RunQueue(with_tiny)
        worker = queue._worker
        wait_for(lambda: not last.path.exists())
    third = queue.submit(recipe(tmp_path))
    wait_for(lambda: third.view().state == "done")
    assert queue._worker is worker and not first.path.exists()


@pytest.mark.threat("S5")
def test_the_watchdog_outlives_a_run_that_is_gone(with_tiny, tmp_path, monkeypatch):
    def vanish(run, *_, **__):
        delete(run.path)
        raise SystemExit

    monkeypatch.setattr("finetune.service.queue.work", vanish)
    queue = RunQueue(with_tiny)
    for _ in range(2):
        run = queue.submit(recipe(tmp_path))
        wait_for(lambda run=run: not run.path.exists())
    monkeypatch.undo()
    last = queue.submit(recipe(tmp_path))
    wait_for(lambda: last.view().state == "done")
    assert len(with_tiny.runs()) == 1


def delete(folder):
    """Delete ``folder`` as ``rm -rf`` does, again if something was put in it meanwhile."""
    for _ in range(100):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
    raise AssertionError("It came back each time.")

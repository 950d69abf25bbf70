import time

import pytest

from finetune.errors import RecipeError
from finetune.hardware import Lease
from finetune.jobs import Jobs, check, work
from finetune.recipe import Recipe
from tests.test_train import recipe


def wait_for(condition, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_runs_are_worked_on_in_their_order(with_tiny, tmp_path):
    jobs = Jobs(with_tiny)
    first, second = (jobs.submit(recipe(tmp_path)) for _ in range(2))
    assert second.id in [run.id for run in jobs.waiting()]
    wait_for(lambda: second.view().state == "done")
    assert first.view().ended_at <= second.view().started_at


def test_a_run_that_waits_is_stopped_at_once(with_tiny, tmp_path):
    jobs = Jobs(with_tiny)
    first, second = jobs.submit(recipe(tmp_path)), jobs.submit(recipe(tmp_path))
    jobs.stop(second.id)
    assert second.view().state == "stopped" and not second.view().has_model
    wait_for(lambda: first.view().state == "done")
    assert second.view().started_at is None


def test_what_was_queued_when_the_app_ended_is_taken_up(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path))
    Jobs(with_tiny)
    wait_for(lambda: run.view().state == "done")
    assert run.view().has_model


def test_all_problems_are_said_before_a_run_is_made(with_tiny, tmp_path):
    bad = recipe(
        tmp_path, **{"training.batch_size": 5, "training.accumulation": 2, "model.id": "nowhere", "method.type": "dpo"}
    )
    bad = bad.changed(**{"data.path": str(tmp_path / "sft.jsonl")})
    recipe(tmp_path)
    with pytest.raises(RecipeError) as caught:
        Jobs(with_tiny).submit(bad)
    assert {problem.where for problem in caught.value.problems} == {"training.accumulation", "model.id", "method"}
    assert with_tiny.runs() == []


def test_a_visitors_recipe_reads_only_uploads_and_samples(with_tiny, tmp_path):
    check(recipe(tmp_path), with_tiny)
    with pytest.raises(RecipeError, match="no data file"):
        check(recipe(tmp_path), with_tiny, trusted=False)


@pytest.mark.parametrize("where", ["replay", "mix", "also"])
def test_a_visitors_recipe_mixes_in_nothing_else_of_the_machine(with_tiny, tmp_path, where):
    mine = recipe(tmp_path)
    (with_tiny.uploads_dir / "mine.jsonl").write_bytes((tmp_path / "sft.jsonl").read_bytes())
    other = mine.data.path
    value = {"replay": other, "mix": [{"path": other}], "also": [other]}[where]
    bad = mine.changed(**{"data.path": "uploads/mine.jsonl", f"data.{where}": value})
    check(bad, with_tiny)
    with pytest.raises(RecipeError, match="no data file"):
        check(bad, with_tiny, trusted=False)


def test_rows_of_another_kind_cannot_be_mixed_in(with_tiny, tmp_path):
    pairs = recipe(tmp_path, method="dpo").data.path
    with pytest.raises(RecipeError, match="Mix in rows of the same shape"):
        check(recipe(tmp_path, **{"data.replay": pairs}), with_tiny)


def test_a_bug_ends_the_run_and_leaves_its_traceback(with_tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.train.prepare", lambda *_: 1 / 0)
    run = with_tiny.create(recipe(tmp_path))
    work(run, with_tiny)
    view = run.view()
    assert (view.state, view.code) == ("failed", "bug")
    assert "ZeroDivisionError" in (run.path / "traceback.txt").read_text()
    assert not run.is_held


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_out_of_memory_is_said_with_a_way_out(with_tiny, tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("finetune.train.prepare", fail)
    run = with_tiny.create(recipe(tmp_path))
    work(run, with_tiny)
    assert run.view().code == "memory" and "QLoRA" in run.view().hint


def test_bad_data_ends_the_run_with_the_sentence(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path, **{"training.length": 16}))
    work(run, with_tiny)
    view = run.view()
    assert (view.state, view.code) == ("failed", "data") and "16 tokens" in view.message


def test_a_device_in_use_elsewhere_is_said(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path))
    with Lease(with_tiny.path):
        work(run, with_tiny)
    assert run.view().code == "busy" and "Another run" in run.view().message


def test_a_queued_run_waits_for_a_device_in_use_elsewhere(with_tiny, tmp_path):
    with Lease(with_tiny.path):
        run = Jobs(with_tiny).submit(recipe(tmp_path))
        wait_for(lambda: run.is_held)
        assert run.view().started_at is None
    wait_for(lambda: run.view().state == "done")
    assert run.view().has_model


def test_the_heavy_libraries_load_in_the_background(with_tiny):
    jobs = Jobs(with_tiny)
    jobs.warm()
    wait_for(lambda: jobs.is_warm)
    assert Recipe.from_dict({"data": {"path": "x"}}).name == "untitled"


def test_data_that_has_gone_since_it_was_queued_is_said(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path))
    (tmp_path / "sft.jsonl").unlink()
    work(run, with_tiny)
    assert (run.view().state, run.view().code) == ("failed", "run") and "sft.jsonl" in run.view().message

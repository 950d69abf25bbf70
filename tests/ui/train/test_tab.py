import zipfile
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import pytest

from finetune.runs import events
from finetune.ui.train import tab as train


def shown(look):
    """The names of the buttons that are shown."""
    return [name for name in train.BUTTONS if getattr(look, name)]


def test_without_runs_it_says_what_to_do(studio):
    look = train.look(studio, None)
    assert "press “Start training”" in look.head and shown(look) == []


def test_a_finished_run_can_be_downloaded_and_compared(studio, write_run):
    look = train.look(studio, write_run().id)
    assert "<svg" in look.charts and "Arr, after 10!" in look.answers
    assert shown(look) == ["delete", "further", "download", "compare"]


def test_a_run_at_work_can_be_stopped_or_paused(studio, write_run):
    run = write_run(steps=3, state=None)
    with run.held():
        assert shown(train.look(studio, run.id)) == ["pause", "stop"]
        assert train.ask(studio, "pause", run.id) == "" and run.asked == "pause"
        look = train.look(studio, run.id)
        assert shown(look) == [] and "Pausing after this step" in look.head


@pytest.mark.parametrize("state", ["stopped", "paused", "failed", "interrupted"])
def test_a_run_that_ended_unfinished_can_be_resumed(studio, write_run, state):
    run = write_run(steps=7, state=state)
    assert bool(train.look(studio, run.id).offers) == (state == "interrupted")
    run.dismiss()
    assert train.look(studio, run.id).resume == "Start again"
    with run.checkpoints.staging(5) as folder:
        (folder / "weights").write_bytes(b"x")
    look = train.look(studio, run.id)
    assert look.resume == "Resume from step 5" and look.delete and not look.further


def test_a_run_in_line_can_be_taken_out(still, write_run):
    run = write_run(steps=4, state="paused")
    assert train.ask(still, "resume", run.id) == ""
    assert shown(train.look(still, run.id)) == ["stop"] and train.look(still, run.id).stop == "Take out of the line"
    assert train.ask(still, "stop", run.id) == "" and still.queue.waiting() == []
    assert still.view(run).state == "paused"


def test_of_two_pages_that_resume_a_run_one_does_and_the_other_is_told(still, write_run):
    run = write_run(steps=4, state="paused")
    with ThreadPoolExecutor(8) as pool:
        told = sorted(pool.map(lambda _: train.ask(still, "resume", run.id), range(8)))
    assert told[0] == "" and all("It was resumed a moment ago" in words for words in told[1:])
    assert [waiting.id for waiting in still.queue.waiting()] == [run.id]
    assert sum(isinstance(event, events.Requeued) for event in run.events()[0]) == 1


def test_stopping_what_is_over_says_so(studio, write_run):
    assert "is not running" in train.ask(studio, "stop", write_run().id)


def test_a_run_that_started_from_another_says_so(studio, write_run):
    first = write_run()
    assert "starts from run 1" in train.look(studio, write_run(model={"run": first.id}).id).head


def test_equal_moments_look_equal(studio, write_run):
    run = write_run()
    assert train.look(studio, run.id) == train.look(studio, run.id)


def test_only_runs_with_a_model_can_be_talked_to(studio, write_run):
    good, failed = write_run(), write_run(state="failed", steps=2)
    assert [value for _, value in train.choices(studio)] == [failed.id, good.id]
    assert [value for _, value in train.choices(studio, with_model=True)] == [good.id]


def test_the_download_is_a_zip_of_the_model(studio, write_run):
    run = write_run()
    run.model_dir.mkdir()
    (run.model_dir / "adapter_config.json").write_text("{}")
    (run.model_dir / "adapter_model.safetensors").write_bytes(b"weights")
    path, notice = train.download(studio, run.id)
    assert notice == "" and any("adapter_config.json" in name for name in zipfile.ZipFile(path).namelist())


@pytest.mark.parametrize("run_id", [None, "099-gone"])
def test_there_is_nothing_to_download_without_a_run(studio, run_id):
    path, notice = train.download(studio, run_id)
    assert path is None and "There is no run" in notice


def test_a_download_of_a_run_that_goes_meanwhile_is_told_so(studio, write_run, monkeypatch):
    def vanish(run, to):
        raise FileNotFoundError

    monkeypatch.setattr("finetune.exports.model.zip_adapter", vanish)
    assert "deleted while it was packed" in train.download(studio, write_run().id)[1]


def test_values_are_as_many_as_the_components(studio):
    with gr.Blocks():
        parts = train.draw(studio)
    assert len(train.look(studio, None).values()) == len(parts.looked())


def test_a_chart_is_drawn_anew_with_each_step_and_of_many_with_each_hundredth(studio, write_run, monkeypatch):
    drawn = []
    monkeypatch.setattr(train, "loss_chart", lambda view: drawn.append(len(view.steps)) or "chart")
    run = write_run(steps=20, state=None)
    for step in range(21, 321):
        run.emit(events.Stepped(step=step, epoch=1, loss=1, learning_rate=1))
        with run.held():
            assert train.look(studio, run.id).charts.startswith("chart")
            train.look(studio, run.id)
    assert drawn == [*range(21, 200), *range(200, 300, 2), *range(300, 321, 3)]


def test_only_what_changed_is_sent(studio, write_run):
    run = write_run(steps=3, state=None)
    with run.held():
        before = train.look(studio, run.id)
        run.cancel()
        after = train.look(studio, run.id)
    changed = {name for name in train.Look._fields if getattr(before, name) != getattr(after, name)}
    assert changed and "charts" not in changed
    for name, value in zip(train.Look._fields, after.values(before)):
        if name in changed:
            assert isinstance(value, gr.Button) if name in train.BUTTONS else value == getattr(after, name)
        else:
            assert value == (gr.skip() if len(getattr(before, name)) >= train.SHORT else getattr(before, name))
    assert len(before.charts) > train.SHORT and gr.skip() not in before.values()[:7]

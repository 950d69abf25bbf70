from types import SimpleNamespace

import pytest

from finetune.evaluation.sheet import Request, Sheet
from finetune.runs.events import Fetched
from finetune.runs.view import STATES, View
from finetune.ui.train import standing as module
from finetune.ui.train.outcome import notices
from finetune.ui.train.standing import LOW_BYTES, Standing, disk_words, resume_label, stop_label
from tests.evaluation.figures import scores


def save(run, step, size=1000):
    with run.checkpoints.staging(step) as folder:
        (folder / "weights").write_bytes(b"x" * size)


def test_where_a_run_stands(still, write_run):
    run = write_run(steps=7, state="paused", model={"run": "003-pirate"})
    for step in (3, 5):
        save(run, step)
    assert Standing.of(still, run, run.view()) == Standing(checkpoint=5, origin="run 3")
    first, second = write_run(steps=1, state="paused"), write_run(steps=1, state="paused")
    for each in (first, second):
        still.queue.resume(each.id)
    assert [Standing.of(still, each, each.view()).position for each in (first, second)] == [1, 2]


def test_a_run_at_work_has_no_queue_position(still, write_run):
    working, run = write_run(steps=3, state=None), write_run(steps=1, state="paused")
    still.queue.resume(run.id)
    with working.held():
        assert Standing.of(still, run, run.view()).position == 1
        assert Standing.of(still, working, working.view()).position is None
        working.ask("pause")
        assert Standing.of(still, working, working.view()).asked == "pause"


def test_an_interrupted_run_is_offered_until_it_is_dismissed(studio, write_run):
    run = write_run(steps=3, state=None)
    assert Standing.of(studio, run, run.view()).is_offered
    run.dismiss()
    assert not Standing.of(studio, run, run.view()).is_offered
    run.requeue()
    assert not run.is_dismissed


@pytest.mark.parametrize("state", STATES)
def test_a_run_can_be_resumed_or_ended_but_never_both(state):
    view = View(state=state, started_at=1.0)
    resume, stop = resume_label(view, Standing(checkpoint=1200)), stop_label(view)
    assert resume == ("Resume from step 1,200" if state in ("stopped", "paused", "failed", "interrupted") else "")
    assert bool(stop) == (state in ("queued", "preparing", "running"))


@pytest.mark.parametrize("started_at, label", [(None, "Queue again"), (1.0, "Restart from step 0")])
def test_without_a_checkpoint_it_restarts(started_at, label):
    assert resume_label(View(state="stopped", started_at=started_at), Standing()) == label


def test_a_download_can_be_stopped_and_resumed():
    part = Fetched(done_bytes=2, total_bytes=16)
    assert stop_label(View(state="preparing", phase="downloading", fetched=part)) == "Stop"
    stopped = View(state="stopped", started_at=1.0, fetched=part, message="It was asked to end.")
    assert resume_label(stopped, Standing()) == "Resume the download"
    assert "Resume continues the download." in notices(stopped, Standing(), 2.0)


def test_a_disk_that_is_nearly_full_is_reported(studio, write_run, monkeypatch):
    def free(count):
        monkeypatch.setattr(module.shutil, "disk_usage", lambda path: SimpleNamespace(free=count))

    run = write_run(steps=3, state=None)
    save(run, 3, size=3 * 2**20)
    free(LOW_BYTES)
    assert disk_words(studio, run) == disk_words(studio, None) == ""
    free(LOW_BYTES - 2**20)
    assert disk_words(studio, None) == "only 2.0 GB of disk free"
    free(65 * 2**20)
    assert disk_words(studio, run) == "65 MB of disk free, and the next checkpoint needs 67 MB"


def test_a_finished_run_says_what_its_scores_say(studio, write_run):
    run = write_run()
    assert Standing.of(studio, run, run.view()).found == ""
    asked = Sheet(run).ask(Request())
    assert Standing.of(studio, run, run.view()).found == "Base and tuned are being scored now."
    asked.finish(scores(run.id), [])
    assert Standing.of(studio, run, run.view()).found == "Use it for what it was taught."
    working = write_run(state=None)
    Sheet(working).ask(Request())
    assert Standing.of(studio, working, working.view()).found == ""

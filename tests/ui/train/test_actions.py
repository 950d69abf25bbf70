import json
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from finetune.errors import RunError
from finetune.runs import events
from finetune.ui.train import actions, queue
from finetune.ui.train.actions import ACTIONS, COMMANDS, Done, act, attempt

(DOWNLOAD,) = [action.do for action in ACTIONS if action.name == "download"]


def queued(studio):
    return [studio.view(run).name for run in studio.queue.waiting()]


def test_every_button_and_every_command_has_a_name_of_its_own():
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
    assert {"up", "down", "remove", "resume", "dismiss", "restart", "delete", "keep"} == set(COMMANDS)


def test_runs_are_moved_and_removed_and_the_next_process_knows(still, three):
    first, second, third = (run.id for run in three)
    assert act(still, f"up:{third}") == Done()
    assert queued(still) == ["one", "three", "<two>"]
    act(still, f"down:{first}")
    assert act(still, f"remove:{second}") == Done()
    assert queued(still) == ["three", "one"]
    assert still.workspace.run(second).view().state == "stopped"
    assert json.loads((still.workspace.path / "queue.json").read_text()) == [third, first]


def test_what_is_not_queued_any_more_is_refused(still, write_run):
    assert "Only" in act(still, f"up:{write_run().id}").notice
    assert "There is no run" in act(still, "resume:099-gone").notice


@pytest.mark.parametrize("pick", ["", "up", "shout:001-pirate-voice", "keep:001-pirate-voice", None])
def test_a_button_without_a_command_does_nothing(studio, write_run, pick):
    run = write_run()
    act(studio, pick)
    assert run.view().state == "done" and studio.queue.waiting() == []


def test_an_interrupted_run_is_resumed_by_one_click(still, write_run):
    run = write_run(steps=4, state=None)
    assert act(still, f"resume:{run.id}") == Done(run_id=run.id)
    assert queue.offers(still) == queue.interrupted_words(still) == ""
    assert queued(still) == ["pirate voice"]


def test_an_interrupted_run_is_dismissed(studio, write_run):
    run = write_run(steps=4, state=None)
    assert act(studio, f"dismiss:{run.id}") == Done() and run.is_dismissed


def test_a_run_at_work_is_asked_to_pause(studio, write_run):
    run = write_run(steps=3, state=None)
    with run.held():
        assert attempt(actions.pause, studio, run.id) == Done() and run.asked == "pause"


def test_a_queued_run_that_had_started_is_paused_when_it_is_removed(still, write_run):
    run = write_run(steps=4, state="paused")
    assert attempt(actions.resume, still, run.id).run_id == run.id
    assert attempt(actions.stop, still, run.id) == Done() and still.queue.waiting() == []
    assert still.view(run).state == "paused"


def test_of_two_pages_that_resume_a_run_one_does_and_the_other_gets_the_reason(still, write_run):
    run = write_run(steps=4, state="paused")
    with ThreadPoolExecutor(8) as pool:
        notices = sorted(pool.map(lambda _: attempt(actions.resume, still, run.id).notice, range(8)))
    assert notices[0] == "" and all("It was resumed a moment ago" in words for words in notices[1:])
    assert [waiting.id for waiting in still.queue.waiting()] == [run.id]
    assert sum(isinstance(event, events.Requeued) for event in run.events()[0]) == 1


def test_stopping_what_is_over_says_so(studio, write_run):
    assert "is not running" in attempt(actions.stop, studio, write_run().id).notice


def test_a_run_is_deleted_by_the_second_click(studio, write_run, enabled):
    run, other = write_run(), write_run()
    studio.view(run)
    asked = attempt(actions.confirm_delete, studio, run.id).notice
    assert "Delete run 1 “pirate voice”?" in asked and re.search(r"[\d.]+ (kB|MB) in all", asked)
    assert run.path.exists() and enabled(asked) == [f"delete:{run.id}", f"keep:{run.id}"]
    done = act(studio, f"delete:{run.id}")
    assert "Run 1 “pirate voice” was deleted." in done.notice and not run.path.exists()
    assert [each.id for each, _ in studio.views()] == [other.id]
    assert "There is no run" in act(studio, f"delete:{run.id}").notice
    assert "deleted already" in attempt(actions.confirm_delete, studio, run.id).notice


def test_a_run_at_work_or_queued_is_not_deleted(still, three, write_run):
    assert "has not ended" in act(still, f"delete:{three[0].id}").notice
    run = write_run(steps=3, state=None)
    with run.held():
        assert "has not ended" in act(still, f"delete:{run.id}").notice
    assert run.path.exists() and three[0].path.exists()


def test_of_deleting_and_resuming_at_once_one_happens(still, write_run):
    def ask(what, run):
        try:
            {"delete": still.queue.delete, "resume": still.queue.resume}[what](run.id)
        except RunError:
            return None
        return what

    with ThreadPoolExecutor(4) as pool:
        for _ in range(50):
            run = write_run(steps=1, state="paused")
            done = list(pool.map(ask, ("delete", "resume") * 2, [run] * 4))
            happened = [what for what in done if what]
            assert len(happened) == 1
            assert run.path.exists() == (happened == ["resume"])
            if happened == ["resume"]:
                still.queue.stop(run.id)


def test_the_size_of_a_folder(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "inner" / "b").write_bytes(b"x" * 5)
    assert actions.size_bytes(tmp_path) == 15


def test_a_run_that_does_not_respond_is_interrupted_by_a_restart_of_the_app(still, silent):
    run, restarts = silent
    done = act(still, f"restart:{run.id}")
    assert restarts == [run.id] and "comes back by itself" in done.notice


def test_a_run_that_responds_again_is_not_interrupted(still, silent, monkeypatch):
    run, restarts = silent
    monkeypatch.setattr("finetune.runs.view.STALLED_S", 60)
    assert "No restart was needed" in act(still, f"restart:{run.id}").notice and not restarts


@pytest.mark.parametrize("missing", ["launcher", "run"])
def test_nothing_is_restarted_where_it_would_not_help(still, silent, missing):
    if missing == "launcher":
        still.restart = None
    else:
        still.queue.current = None  # another process works on it
    run, restarts = silent
    assert "No restart was needed" in act(still, f"restart:{run.id}").notice and not restarts


def test_the_download_is_a_zip_of_the_model(studio, write_run):
    run = write_run()
    run.model_dir.mkdir()
    (run.model_dir / "adapter_config.json").write_text("{}")
    (run.model_dir / "adapter_model.safetensors").write_bytes(b"weights")
    done = attempt(DOWNLOAD, studio, run.id)
    assert done.notice == ""
    assert any("adapter_config.json" in name for name in zipfile.ZipFile(done.file).namelist())


@pytest.mark.parametrize("run_id", [None, "099-gone"])
def test_there_is_nothing_to_download_without_a_run(studio, run_id):
    done = attempt(DOWNLOAD, studio, run_id)
    assert done.file is None and "There is no run" in done.notice


def test_a_download_of_a_run_that_is_deleted_meanwhile_says_so(studio, write_run, monkeypatch):
    def vanish(self, run, workspace, to):
        raise FileNotFoundError

    monkeypatch.setattr("finetune.exports.adapter.Adapter.write", vanish)
    assert "deleted while it was packed" in attempt(DOWNLOAD, studio, write_run().id).notice

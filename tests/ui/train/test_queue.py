import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from finetune.errors import RunError
from finetune.ui.studio import Studio
from finetune.ui.train import queue


@pytest.fixture
def three(still, write_run):
    """Three runs in line."""
    runs = [write_run(name=name, steps=0, state="paused") for name in ("one", "<two>", "three")]
    for run in runs:
        still.queue.resume(run.id)
    return runs


def in_line(studio):
    return [studio.view(run).name for run in studio.queue.waiting()]


def enabled(html):
    return [pick for pick, rest in re.findall(r"data-pick='(.*?)'(.*?)>", html) if "disabled" not in rest]


def test_an_empty_line_is_not_drawn(studio, write_run):
    write_run()
    assert queue.line(studio) == ""


def test_the_line_names_each_run_with_what_can_be_asked_of_it(still, three):
    html = queue.line(still)
    assert "1. one" in html and "2. &lt;two&gt;" in html and "aria-label='Move run 3 “three” up'" in html
    first, second, third = (run.id for run in three)
    assert enabled(html) == [
        f"down:{first}", f"remove:{first}", f"up:{second}", f"down:{second}", f"remove:{second}", f"up:{third}",
        f"remove:{third}",
    ]  # fmt: skip


def test_runs_are_moved_and_taken_out_and_the_next_process_knows(still, three):
    first, second, third = (run.id for run in three)
    assert queue.act(still, f"up:{third}") == ("", None)
    assert in_line(still) == ["one", "three", "<two>"]
    queue.act(still, f"down:{first}")
    queue.act(still, f"remove:{second}")
    assert in_line(still) == ["three", "one"]
    assert still.workspace.run(second).view().state == "stopped"
    assert json.loads((still.workspace.path / "queue.json").read_text()) == [third, first]


def test_what_is_not_in_line_any_more_is_said(still, write_run):
    notice, _ = queue.act(still, f"up:{write_run().id}")
    assert "is not queued" in notice
    assert "There is no run" in queue.act(still, "resume:099-gone")[0]


@pytest.mark.parametrize("pick", ["", "up", "shout:001-pirate-voice", "keep:001-pirate-voice", None])
def test_what_no_button_says_does_nothing(studio, write_run, pick):
    run = write_run()
    queue.act(studio, pick)
    assert run.view().state == "done" and studio.queue.waiting() == []


def test_an_interrupted_run_is_offered_and_resumed_by_one_click(still, write_run):
    run = write_run(steps=4, state=None)
    html = queue.offers(still)
    assert "Run 1 “pirate voice” was interrupted at step 4 of 10." in html and "Start again" in html
    assert queue.interrupted_line(still) == "run 1 was interrupted"
    assert queue.act(still, f"resume:{run.id}") == ("", run.id)
    assert queue.offers(still) == queue.interrupted_line(still) == ""
    assert in_line(still) == ["pirate voice"]


def test_an_interrupted_run_that_is_left_is_offered_no_more(studio, write_run):
    run, other = write_run(steps=4, state=None), write_run(steps=4, state="interrupted")
    assert queue.interrupted_line(studio) == "2 runs were interrupted"
    queue.act(studio, f"leave:{run.id}")
    assert enabled(queue.offers(studio)) == [f"resume:{other.id}", f"leave:{other.id}"]
    assert "resume" in queue.offers(Studio(studio.workspace)) and studio.view(run).state == "interrupted"


def test_a_run_is_deleted_by_the_second_click(studio, write_run):
    run, other = write_run(), write_run()
    studio.view(run)
    asked = queue.confirmation(studio, run.id)
    assert "Delete run 1 “pirate voice”?" in asked and re.search(r"[\d.]+ (kB|MB) in all", asked)
    assert run.path.exists() and enabled(asked) == [f"delete:{run.id}", f"keep:{run.id}"]
    notice, _ = queue.act(studio, f"delete:{run.id}")
    assert "Run 1 “pirate voice” was deleted." in notice and not run.path.exists()
    assert [each.id for each, _ in studio.views()] == [other.id]
    assert "There is no run" in queue.act(studio, f"delete:{run.id}")[0]
    assert "deleted already" in queue.confirmation(studio, run.id)


def test_a_run_at_work_or_in_line_is_not_deleted(still, three, write_run):
    assert "has not ended" in queue.act(still, f"delete:{three[0].id}")[0]
    run = write_run(steps=3, state=None)
    with run.held():
        assert "has not ended" in queue.act(still, f"delete:{run.id}")[0]
    assert run.path.exists() and three[0].path.exists()


def test_of_deleting_and_resuming_at_once_one_happens(still, write_run):
    def attempt(what, run):
        try:
            {"delete": still.queue.delete, "resume": still.queue.resume}[what](run.id)
        except RunError:
            return None
        return what

    with ThreadPoolExecutor(4) as pool:
        for _ in range(50):
            run = write_run(steps=1, state="paused")
            done = list(pool.map(attempt, ("delete", "resume") * 2, [run] * 4))
            happened = [what for what in done if what]
            assert len(happened) == 1
            assert run.path.exists() == (happened == ["resume"])
            if happened == ["resume"]:
                still.queue.stop(run.id)


def test_the_size_of_a_folder(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "inner" / "b").write_bytes(b"x" * 5)
    assert queue.size_bytes(tmp_path) == 15


@pytest.fixture
def silent(still, write_run, monkeypatch):
    """A run of this process that is silent for too long, with a launcher around it, and what that was asked."""
    monkeypatch.setattr("finetune.runs.view.STALLED_S", 0)
    monkeypatch.setattr("finetune.runs.view.STALLED_STEPS", 0)
    run, asked = write_run(steps=4, state=None), []
    with run.held():
        still.queue.current, still.restart = run, lambda: asked.append(run.id)
        yield run, asked


def test_a_run_that_does_not_answer_is_cut_off_by_starting_the_app_again(still, silent):
    run, asked = silent
    assert enabled(queue.offers(still)) == [f"restart:{run.id}"]
    run.ask("stop")
    assert enabled(queue.offers(still)) == [f"restart:{run.id}"], "it does not heed the stop either"
    notice, _ = queue.act(still, f"restart:{run.id}")
    assert asked == [run.id] and "comes back by itself" in notice


def test_a_run_that_answers_again_is_not_cut_off(still, silent, monkeypatch):
    run, asked = silent
    monkeypatch.setattr("finetune.runs.view.STALLED_S", 60)
    assert queue.offers(still) == ""
    assert "Nothing had to be started again" in queue.act(still, f"restart:{run.id}")[0] and not asked


@pytest.mark.parametrize("missing", ["launcher", "run"])
def test_starting_again_is_not_offered_where_it_would_not_help(still, silent, missing):
    if missing == "launcher":
        still.restart = None
    else:
        still.queue.current = None  # another process works on it
    run, asked = silent
    assert queue.offers(still) == ""
    assert "Nothing had to" in queue.act(still, f"restart:{run.id}")[0] and not asked


def test_a_run_that_hangs_before_its_first_step_is_cut_off_too(still, write_run, monkeypatch):
    monkeypatch.setattr("finetune.runs.view.UNPACED_S", 0)
    run = write_run(steps=0, state=None)
    with run.held():
        still.queue.current, still.restart = run, lambda: None
        offer = queue.offers(still)
    assert enabled(offer) == [f"restart:{run.id}"] and "has to begin anew" in offer

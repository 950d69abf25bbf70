import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from finetune.errors import BusyError, GoneError, RunError
from finetune.recipe import Recipe
from finetune.runs.events import Ended, Entered, FellBack, Noted, Pinned, Queued, Requeued, Saved, Started
from finetune.runs.links import link
from finetune.runs.run import Follower, Run, slug

RECIPE = Recipe.from_dict({"name": "Pirate voice!", "data": {"path": "a.jsonl"}})


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path, RECIPE)


def test_a_new_run_is_a_folder_with_its_recipe_and_is_queued(run):
    assert run.id == "001-pirate-voice" and run.number == 1
    assert run.recipe == RECIPE
    (event,), _ = run.events()
    assert isinstance(event, Queued) and event.name == "Pirate voice!"
    assert run.view().state == "queued" and not run.is_held and not run.cancelled


def test_what_was_trained_is_the_recipe_with_the_fallbacks_and_the_version_of_the_model(run):
    assert run.as_trained == RECIPE
    run.emit(Pinned(commit="f" * 40))
    run.emit(FellBack(settings={"training.accumulation": 2}, reason="Memory ran out."))
    run.emit(FellBack(settings={"adapter.type": "qlora"}, reason="Memory ran out."))
    assert run.recipe == RECIPE
    changed = {"model.revision": "f" * 40, "training.accumulation": 2, "adapter.type": "qlora"}
    assert run.as_trained == RECIPE.changed(**changed)


def test_runs_created_at_once_get_different_numbers(tmp_path):
    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(lambda _: Run.create(tmp_path, RECIPE), range(20)))
    assert sorted(run.number for run in made) == list(range(1, 21))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Pirate voice!", "pirate-voice"),
        ("Größe & Höhe", "große-hohe".replace("ß", "")),
        ("../../etc/passwd", "etc-passwd"),
        ("日本語", "run"),
        ("5", "5"),
        ("CON", "con"),
        ("x" * 100, "x" * 40),
    ],
)
def test_a_name_becomes_a_harmless_part_of_a_path(name, expected):
    assert slug(name) == expected


def test_events_are_read_from_where_the_reader_left_off(run):
    _, offset = run.events()
    run.emit(Noted(message="one"))
    run.emit(Noted(message="two"))
    events, offset = run.events(offset)
    assert [event.message for event in events] == ["one", "two"]
    assert run.events(offset) == ([], offset)


def test_a_run_without_events_has_none(tmp_path):
    assert Run(tmp_path / "nothing").events() == ([], 0)


def test_a_reader_never_sees_half_a_line(run):
    _, start = run.events()
    line = Noted(message="größer").to_line().encode() + b"\n"
    with open(run.events_path, "ab", buffering=0) as file:
        for n, byte in enumerate(line, start=1):
            file.write(bytes([byte]))
            events, offset = run.events(start)
            assert len(events) == (n == len(line))
            assert offset == (start + n if n == len(line) else start)


def test_a_reader_beside_a_writer_gets_every_event_once_and_in_order(run):
    _, offset = run.events()
    writer = threading.Thread(target=lambda: [run.emit(Noted(message=str(n))) for n in range(300)])
    writer.start()
    received = []
    while len(received) < 300:
        events, offset = run.events(offset)
        received += [event.message for event in events]
    writer.join()
    assert received == [str(n) for n in range(300)]


def test_writers_in_many_threads_do_not_mix_their_lines(run):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: run.emit(Noted(message="x" * n)), range(200)))
    events, _ = run.events()
    assert sorted(len(event.message) for event in events[1:]) == list(range(200))


def test_a_line_torn_by_a_crash_is_closed_and_skipped(run):
    with open(run.events_path, "ab") as file:
        file.write(b'{"event": "Noted", "mess')
    run.emit(Noted(message="after the crash"))
    events, _ = run.events()
    assert [type(event).__name__ for event in events] == ["Queued", "Noted"]
    assert events[-1].message == "after the crash"


def test_bytes_that_are_no_text_are_skipped(run):
    with open(run.events_path, "ab") as file:
        file.write(b"\xff\x00\xfe\n")
    run.emit(Noted(message="still here"))
    assert [event.message for event in run.events()[0][1:]] == ["still here"]


def test_a_run_is_held_by_one_at_a_time(run):
    with run.held():
        assert run.is_held and Run(run.path).is_held
        with pytest.raises(BusyError), Run(run.path).held():
            pass
    assert not run.is_held
    with run.held():
        assert run.is_held


def test_an_active_run_is_interrupted_once_nobody_holds_it(run):
    follower = Follower(run)
    with run.held():
        run.emit(Started(device="CPU"))
        assert follower.poll().state == "preparing"
        run.emit(Entered(phase="training"))
        assert follower.poll().state == run.view().state == "running"
    assert follower.poll().state == run.view().state == "interrupted"
    with run.held():
        run.emit(Started(device="CPU"))
        assert follower.poll().state == "preparing"


def test_the_lock_dies_with_its_owner(run):
    code = (
        "import sys, pathlib\n"
        "from finetune.runs.run import Run\n"
        "from finetune.runs.events import Started\n"
        "run = Run(pathlib.Path(sys.argv[1]))\n"
        "with run.held():\n"
        "    run.emit(Started(device='CPU'))\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, run.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout.readline() == "held\n"
        assert run.view().state == "preparing"
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    assert run.view().state == "interrupted"


def test_a_run_that_is_asked_to_stop_is_stopping_until_it_has(run):
    with run.held():
        run.emit(Started(device="CPU"))
        run.cancel()
        assert run.cancelled and run.view().state == "stopping"
        run.emit(Ended(state="stopped"))
    assert run.view().state == "stopped"


def test_a_queued_run_can_be_stopped_and_a_finished_one_cannot(run):
    run.cancel()
    assert run.cancelled
    run.emit(Ended(state="stopped"))
    with pytest.raises(RunError, match="nothing to stop"):
        run.cancel()


def test_a_follower_folds_each_event_once(run):
    follower = Follower(run)
    first = follower.poll()
    run.emit(Saved(what="model", path="model", step=3))
    assert follower.poll() is first
    assert first.revision == 2 and len(first.saved) == 1 and first.has_model


@pytest.mark.parametrize(("what", "state"), [("pause", "paused"), ("yield", "interrupted"), ("stop", "stopped")])
def test_a_request_is_remembered_until_the_run_is_queued_again(run, what, state):
    run.ask(what)
    assert run.asked == what and run.cancelled
    run.emit(Ended(state=state))
    run.requeue()
    assert run.view().state == "queued" and not run.asked


def test_an_interrupted_run_stays_dismissed_until_it_is_queued_again(run):
    assert not run.is_dismissed
    run.dismiss()
    assert run.is_dismissed
    run.emit(Ended(state="interrupted"))
    run.requeue()
    assert not run.is_dismissed


def test_a_finished_run_cannot_be_resumed(run):
    run.emit(Ended(state="done"))
    with pytest.raises(RunError, match="is finished"):
        run.requeue()


@pytest.mark.parametrize("last", [Ended(state="stopped"), Started(device="CPU")])
def test_of_two_that_resume_a_run_at_once_one_succeeds(run, monkeypatch, last):
    """Both have seen that it can be resumed before either queues it."""
    run.emit(last)
    both, seen = threading.Barrier(2), Run.view

    def view(run):
        found = seen(run)
        both.wait(10)
        return found

    def resume(_):
        try:
            Run(run.path).requeue()
        except RunError as error:
            return error.message

    monkeypatch.setattr(Run, "view", view)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(resume, range(2)))
    assert sorted(answers, key=str) == [None, f"Run {run.id} has not ended."]
    assert sum(isinstance(event, Requeued) for event in run.events()[0]) == 1


def test_a_run_that_someone_holds_is_not_resumed(run):
    run.ask("stop")
    run.emit(Ended(state="stopped"))
    with run.held(), pytest.raises(BusyError):
        Run(run.path).requeue()
    assert run.view().state == "stopped" and run.asked == "stop"


def test_events_wait_while_the_disk_is_full(run, monkeypatch):
    """A run does not end because its log cannot be written, and no half line is left."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        run.emit(Ended(state="stopped"))
        before = run.events_path.read_bytes()
        patch.setattr(Run, "_append", full)
        run.emit(Noted(message="while it is full"))
        assert run.events_path.read_bytes() == before
    run.emit(Noted(message="afterwards"))
    assert [note.message for note in run.view().notes] == ["while it is full", "afterwards"]
    assert run.view().state == "stopped"


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_last_events_are_read_from_the_end_of_the_log(workspace, monkeypatch):
    run = workspace.create(Recipe.from_dict({"data": {"path": "x.csv"}}))
    for n in range(30):
        run.emit(Noted(message=f"note {n}"))
    assert [event.message for event in run.last_events(3)] == ["note 27", "note 28", "note 29"]
    assert len(run.last_events(99)) == 31
    monkeypatch.setattr("finetune.runs.run.TAIL_BYTES", 200)
    few = run.last_events(99)
    assert 0 < len(few) < 5 and few[-1].message == "note 29"
    run.events_path.unlink()
    assert run.last_events(3) == []


USES = {
    "recipe": lambda run: run.recipe,
    "as_trained": lambda run: run.as_trained,
    "emit": lambda run: run.emit(Noted(message="x")),
    "ask": lambda run: run.ask("stop"),
    "dismiss": lambda run: run.dismiss(),
    "requeue": lambda run: run.requeue(),
    "held": lambda run: run.held().__enter__(),
    "lock": lambda run: run.lock("x"),
    "link": lambda run: link(run, "report"),
}


@pytest.mark.threat("S5")
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("ended", [True, False])
def test_a_run_whose_folder_was_deleted_is_reported_in_words_and_not_made_again(run, use, ended):
    if ended:
        run.emit(Ended(state="stopped"))
    known = Follower(run)
    known.poll()
    shutil.rmtree(run.path)
    with pytest.raises(RunError) as caught:
        USES[use](run)
    assert str(run.path) not in str(caught.value) and "\n" not in str(caught.value)
    assert run.is_gone and not run.is_held and run.view().state == "queued" and run.asked == "" and run.owner is None
    assert known.poll().state == ("stopped" if ended else "queued")
    assert not run.path.exists()


@pytest.mark.threat("S5")
def test_a_log_that_is_being_deleted_is_not_begun_again(run):
    run.events_path.unlink()  # rm removes file by file
    with pytest.raises(GoneError, match="There is no run 001-pirate-voice any more"):
        run.emit(Started(device="CPU"))
    assert not run.events_path.exists()

"""Two machines that share a folder: the trainer is a process of its own, which says that it is another machine.

The reader's locks are others than the trainer's, as on a network file system that does not pass locks on.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from filelock import FileLock

from finetune.commands.runs import summary
from finetune.errors import RunError
from finetune.machine import host
from finetune.paths import PROJECT
from finetune.recipe import Recipe
from finetune.runs import heartbeat
from finetune.runs import run as run_module
from finetune.runs.events import Entered, Noted, Queued
from finetune.runs.heartbeat import Sign
from finetune.runs.run import Follower, Run
from tests.service.test_queue import wait_for

BEAT_S, SILENT_S, LOST_S = 0.1, 0.8, 2.5
"""Instead of 10, 60 and 300 s."""
TRAINER = """
import sys, time
from finetune.machine import host
from finetune.runs import heartbeat
from finetune.runs.events import Ended, Entered, Noted, Started
from finetune.runs.run import ENDED_AS, Run

real = time.time
time.time = lambda: real() + float(sys.argv[3])
heartbeat.BEAT_S = float(sys.argv[2])
if sys.argv[4] == "elsewhere":
    host.here = lambda: host.Host("node7", "kernel 7", "installation 7")
run = Run(sys.argv[1])
with run.held(), run.beating():
    run.emit(Started(device="CPU", versions={}))
    run.emit(Entered(phase="training"))
    print("up", flush=True)
    while not run.cancelled:
        time.sleep(0.02)
        run.emit(Noted(message="a step"))
    run.emit(Ended(state=ENDED_AS[run.asked]))
"""


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "runs", Recipe.from_dict({"name": "far", "data": {"path": "a.jsonl"}}))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name, value in (("BEAT_S", BEAT_S), ("SILENT_S", SILENT_S), ("LOST_S", LOST_S)):
        monkeypatch.setattr(heartbeat, name, value)


@pytest.fixture
def apart(monkeypatch):
    """Locks of another machine are not seen."""
    monkeypatch.setattr(run_module, "FileLock", lambda path, **given: FileLock(f"{path}.here", **given))


@contextmanager
def trainer(run, clock_off_s=0.0, where="elsewhere"):
    """A process that trains ``run`` on another machine, whose clock may be wrong."""
    command = [sys.executable, "-c", TRAINER, str(run.path), str(BEAT_S), str(clock_off_s), where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=PROJECT) as process:
        try:
            assert process.stdout.readline() == b"up\n", process.stderr.read()
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("clock_off_s", [0, 5 * 3600, -5 * 3600])
def test_a_run_of_another_machine_is_active_silent_back_and_lost(run, apart, clock_off_s):
    follower = Follower(run)
    with trainer(run, clock_off_s) as process:
        assert follower.poll().state == "running" and not run.is_held
        assert "waiting for its next sign of life" in follower.poll().elsewhere.words
        wait_for(lambda: follower.poll().elsewhere.is_heard)
        view = follower.poll()
        assert view.elsewhere.words == "Trained on node7; last sign of life 0 s ago"
        assert not view.is_silent and not view.is_stalled(time.time() + 10**6)
        process.send_signal(signal.SIGSTOP)
        wait_for(lambda: follower.poll().is_silent)
        assert follower.poll().state == "running"
        message, hint = follower.poll().elsewhere.silent_words
        assert message.startswith("There has been no sign of life from node7 for ") and "can be resumed here" in hint
        process.send_signal(signal.SIGCONT)
        wait_for(lambda: not follower.poll().is_silent)
        assert follower.poll().state == "running"
        process.kill()
        wait_for(lambda: follower.poll().is_silent)
        with pytest.raises(RunError, match="at work on another machine. Trained on node7; last sign of life"):
            run.requeue()
        wait_for(lambda: follower.poll().state == "interrupted")
    assert follower.poll().elsewhere is None
    run.requeue()
    assert run.view().state == "queued"


def test_it_is_neither_resumed_nor_deleted_and_it_is_stopped_from_here(run, apart):
    with trainer(run) as process:
        for work in (run.requeue, lambda: run._require_resumable(run._state_as_holder())):
            with pytest.raises(RunError, match="at work on another machine"):
                work()
        wait_for(lambda: run.view().elsewhere.is_heard)
        assert summary(run)["elsewhere"].startswith("Trained on node7; last sign of life")
        run.ask("pause")
        assert process.wait(10) == 0
    assert run.view().state == "paused" and run.view().elsewhere is None
    assert not (run.path / heartbeat.FILE).exists() and summary(run)["elsewhere"] == ""


def test_on_one_machine_the_lock_decides_at_once(run):
    with trainer(run, where="here") as process:
        assert run.view().state == "running" and run.view().elsewhere is None
        process.kill()
        process.wait()
        assert run.view().state == "interrupted"


def test_a_lock_that_is_seen_keeps_a_silent_run_from_being_interrupted(run):
    with trainer(run) as process:
        process.send_signal(signal.SIGSTOP)
        follower = Follower(run)
        follower.poll()
        time.sleep(LOST_S + 0.3)
        assert follower.poll().state == "running" and follower.poll().is_silent
        process.kill()
        process.wait()
        assert follower.poll().state == "interrupted"


def test_who_comes_back_after_another_machine_took_over_writes_nothing_more(run, apart):
    follower = Follower(run)
    with trainer(run) as process:
        follower.poll()
        process.send_signal(signal.SIGSTOP)
        wait_for(lambda: follower.poll().state == "interrupted")
        run.requeue()
        with run.beating():
            run.emit(Entered(phase="training"))
            time.sleep(2 * BEAT_S)
            before = run.events_path.read_bytes()
            process.send_signal(signal.SIGCONT)
            assert process.wait(10) != 0 and b"Another machine has taken over this run." in process.stderr.read()
            assert run.events_path.read_bytes() == before
            run.emit(Noted(message="here"))
    assert [event.message for event in run.events()[0] if isinstance(event, Noted)][-1] == "here"


def test_a_deleted_folder_stays_deleted(run):
    with run.beating():
        shutil.rmtree(run.path)
        time.sleep(3 * BEAT_S)
    assert not run.path.exists() and heartbeat.sign_of(run.path) is None


def test_a_full_disk_makes_it_silent_and_nothing_worse(run, monkeypatch):
    with run.beating():
        count = json.loads((run.path / heartbeat.FILE).read_text())["beat"]

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("pathlib.Path.replace", full)
            time.sleep(3 * BEAT_S)
            run.emit(Noted(message="goes on"))
        assert json.loads((run.path / heartbeat.FILE).read_text())["beat"] == count
        wait_for(lambda: json.loads((run.path / heartbeat.FILE).read_text())["beat"] > count)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"name": "x"}'])
def test_a_damaged_file_is_none(run, damage):
    (run.path / heartbeat.FILE).write_text(damage)
    assert heartbeat.sign_of(run.path) is None and run.view().state == "queued"
    with run.beating():
        run.emit(Queued(name="far", method="sft"))


def test_one_look_waits_for_a_beat_or_two(run, apart):
    with trainer(run):
        assert heartbeat.watched(run.path).is_heard
    heartbeat._noticed.clear()
    began = time.monotonic()
    assert not heartbeat.watched(run.path).is_heard and time.monotonic() - began < 1


def test_its_words_are_sentences_with_times():
    assert Sign("node7", 12, True).words == "Trained on node7; last sign of life 12 s ago"
    assert Sign("node7", 180, False).words == "Trained on node7; no sign of life for 3 min"
    assert host.here().name and os.path.basename(heartbeat.FILE) == heartbeat.FILE


def test_the_beats_cost_a_trainer_next_to_nothing(run):
    """A beat takes less than a hundredth of the time between two, on any disk that a run can train on."""
    heart = heartbeat.Heart(run.path)
    took = []
    for _ in range(50):
        began = time.perf_counter()
        heart._beat()
        took.append(time.perf_counter() - began)
    print(f"a beat takes {sorted(took)[25] * 1000:.2f} ms")
    assert sorted(took)[25] < 10 / 100

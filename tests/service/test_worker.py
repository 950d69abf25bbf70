import json
import sys
from contextlib import nullcontext

import pytest

from finetune.machine.host import Host
from finetune.machine.lease import Lease
from finetune.runs.events import Started
from finetune.runs.heartbeat import FILE
from finetune.service.worker import work
from tests.pace import wait_for
from tests.training.test_train import recipe


def test_a_bug_ends_the_run_and_leaves_its_traceback(with_tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.training.train.prepare", lambda *_: 1 / 0)
    run = with_tiny.create(recipe(tmp_path))
    work(run, with_tiny)
    view = run.view()
    assert (view.state, view.code) == ("failed", "bug")
    assert "ZeroDivisionError" in (run.path / "traceback.txt").read_text()
    assert not run.is_held


@pytest.mark.threat("T33", "T34")
def test_what_a_bug_says_stays_on_the_machine_and_no_secret_is_written(with_tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_CanaryCanaryCanary0123456789")

    def fail(*_):
        raise KeyError("at /home/me/x.py with hf_CanaryCanaryCanary0123456789 and https://me:pa55word@hub.example/a")

    monkeypatch.setattr("finetune.training.train.prepare", fail)
    run = with_tiny.create(recipe(tmp_path))
    work(run, with_tiny)
    written = b"".join(path.read_bytes() for path in run.path.rglob("*") if path.is_file())
    assert b"Canary" not in written and b"pa55word" not in written and b"[hidden]" in written
    said = run.events_path.read_text()
    assert "KeyError" in said and "/home/me" not in said
    assert "/home/me/x.py" in (run.path / "traceback.txt").read_text()


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_out_of_memory_is_reported_with_a_suggestion(with_tiny, tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("finetune.training.train.prepare", fail)
    run = with_tiny.create(recipe(tmp_path))
    work(run, with_tiny)
    assert run.view().code == "memory" and "QLoRA" in run.view().hint


def test_bad_data_ends_the_run_with_its_message(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path, **{"training.length": 16}))
    work(run, with_tiny)
    view = run.view()
    assert (view.state, view.code) == ("failed", "data") and "16 tokens" in view.message


def test_a_device_in_use_elsewhere_is_reported(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path))
    with Lease(with_tiny.path):
        work(run, with_tiny)
    assert run.view().code == "busy" and "Another run" in run.view().message


def test_data_missing_since_the_run_was_queued_is_reported(with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path))
    (tmp_path / "sft.jsonl").unlink()
    work(run, with_tiny)
    assert (run.view().state, run.view().code) == ("failed", "run") and "sft.jsonl" in run.view().message


WRITER = """
import sys, time
from finetune.runs.events import Noted, Started
from finetune.runs.run import Run
run = Run(sys.argv[1])
with run.held():
    run.emit(Started(device="CPU"))
    print("up", flush=True)
    for n in range(30):
        time.sleep(0.05)
        run.emit(Noted(message=f"late {n}"))
"""


TORCHRUN = f"""
import subprocess, sys
writer = subprocess.Popen([sys.executable, "-c", {WRITER!r}, sys.argv[1]], stdout=subprocess.PIPE)
writer.stdout.readline()
sys.exit(1)
"""
"""It ends at once, and its process continues to write for a second and a half."""


@pytest.mark.parametrize("leave_s", [10.0, 0.1])
def test_an_early_end_of_processes_is_reported_once_none_of_them_writes_any_more(
    with_tiny, tmp_path, monkeypatch, leave_s
):
    monkeypatch.setattr("finetune.service.worker.LEAVE_S", leave_s)
    monkeypatch.setattr(
        "finetune.training.distributed.command", lambda run, _: [sys.executable, "-c", TORCHRUN, str(run.path)]
    )
    run = with_tiny.create(recipe(tmp_path, **{"training.processes": 2}))
    work(run, with_tiny)
    if leave_s < 1:
        assert run.view().state == "preparing" and run.is_held, "its process still trains"
        wait_for(lambda: not run.is_held, seconds=20)
        assert run.view().state == "interrupted"
        return
    *earlier, last = run.events()[0]
    assert (last.state, last.code) == ("failed", "bug") and "ended early" in last.message
    assert earlier[-1].message == "late 29" and not run.is_held


def test_other_machines_see_its_heartbeat_while_it_trains(with_tiny, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("finetune.training.train.train", lambda run, _: seen.append((run.path / FILE).is_file()))
    run = with_tiny.create(recipe(tmp_path))
    work(run, with_tiny)
    assert seen == [True] and not (run.path / FILE).exists()


def test_a_run_that_another_machine_took_while_it_waited_is_left_alone(with_tiny, tmp_path, monkeypatch):
    run = with_tiny.create(recipe(tmp_path))

    def quicker(*_):
        run.emit(Started(device="CPU", versions={}))
        (run.path / FILE).write_text(json.dumps(Host("node7", "k", "i").to_dict() | {"mark": "theirs", "beat": 1}))
        return nullcontext()

    monkeypatch.setattr("finetune.service.worker._lease", quicker)
    before = len(run.events()[0])
    work(run, with_tiny)
    assert len(run.events()[0]) == before + 1 and run.view().elsewhere.host == "node7"
    assert json.loads((run.path / FILE).read_text())["mark"] == "theirs"

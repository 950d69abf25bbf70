"""Notices of the ends of runs, received by a server of this machine; and an address that is found nowhere."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from finetune.errors import SettingError
from finetune.paths import PROJECT
from finetune.runs import events
from finetune.service import notices
from finetune.service.notices import Address, Notices, address_of, facts_of, notices_of, send, words
from finetune.service.queue import RunQueue
from tests.browser import app
from tests.pace import wait_for
from tests.training.test_train import recipe

SECRET = "Canary7F3aTopicThatNobodyKnows"


class Received:
    """What a server was sent, and how it answers: a status each, the last one from then on."""

    def __init__(self, *statuses: int, wait_s: float = 0.0, to: str = ""):
        self.requests: list[tuple[str, dict, bytes]] = []
        self.statuses, self.wait_s, self.to, self.url = list(statuses), wait_s, to, ""

    @property
    def facts(self) -> list[dict]:
        return [json.loads(body) for _, _, body in self.requests]

    def status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@contextmanager
def receiving(*statuses: int, **options):
    """A server on this machine, whose address has the secret in it."""
    received = Received(*(statuses or (204,)), **options)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((self.path, dict(self.headers), body))
            time.sleep(received.wait_s)
            self.send_response(received.status())
            if received.to:
                self.send_header("Location", received.to)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        received.url = f"http://127.0.0.1:{server.server_port}/hooks/{SECRET}?key={SECRET}"
        yield received
        server.shutdown()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(notices, "PAUSES_S", (0.01, 0.02))


def assert_secret(*folders, said: str = "") -> None:
    """The address is in no file of ``folders``, and not in what was ``said``."""
    assert SECRET not in said
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files and [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_the_end_of_a_run_is_told_with_its_figures_and_nothing_of_its_data(with_tiny, tmp_path):
    with receiving() as received:
        queue = RunQueue(with_tiny, notices=Notices(address_of(received.url)))
        done = queue.submit(recipe(tmp_path, **{"training.max_steps": 2, "evaluation.times": 1}))
        data = tmp_path / "names-of-customers.jsonl"
        data.write_bytes((tmp_path / "sft.jsonl").read_bytes())
        failed = queue.submit(recipe(tmp_path, **{"data.path": str(data), "training.length": 16}))
        wait_for(lambda: len(received.requests) == 2)
        queue.notices.close()
    first, second = received.facts
    assert (first["run"], first["state"], first["step"]) == (done.id, "done", 2)
    assert first["held_out_loss"] == pytest.approx(done.view().evaluations[-1].loss, abs=1e-6)
    path, headers, _ = received.requests[0]
    assert SECRET in path and headers["Content-Type"] == "application/json"
    assert second["run"] == failed.id and (second["state"], second["code"]) == ("failed", "data")
    assert set(second) == {
        "run", "state", "code", "method", "step", "total_steps", "duration_s", "held_out_loss", "text", "content",
    }  # fmt: skip
    assert "customers" not in str(received.requests)
    assert_secret(with_tiny.path)
    assert not list(with_tiny.runs_dir.rglob("notice-due"))


@pytest.mark.parametrize("state", ["done", "failed", "stopped", "paused", "interrupted"])
def test_each_way_to_end_is_told(write_run, state):
    run = write_run(state="", metrics={})
    with receiving() as received:
        told = Notices(address_of(received.url))
        with told.of(run):
            run.emit(events.Ended(state=state, message="The file secret-plans.csv is bad.", hint="See /home/ada."))
        told.close()
    (facts,) = received.facts
    view = run.view()
    assert facts["state"] == state and facts["run"] == run.id and facts["method"] == "sft"
    assert (facts["step"], facts["total_steps"], facts["duration_s"]) == (10, 10, view.elapsed_s)
    assert facts["held_out_loss"] == pytest.approx(view.evaluations[-1].loss)
    assert facts["text"] == facts["content"] == f"Run {run.id}: {state}, SFT, step 10 of 10, 20 s, held-out loss 1.2."
    assert "plans" not in str(facts) and "/home" not in str(facts)


def test_ntfy_gets_a_plain_text_with_a_title(write_run):
    run = write_run(state="failed", code="memory")
    with receiving() as received:
        assert send(Address(received.url, "ntfy"), facts_of(run, run.view())) == ""
    ((_, headers, body),) = received.requests
    assert headers["Title"] == "Finetune Studio: failed" and headers["Tags"] == "warning"
    assert headers["Content-Type"].startswith("text/plain") and body.decode().startswith(
        f"Run {run.id}: failed (memory)"
    )


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://ntfy.sh/topic", "ntfy"),
        ("https://ntfy.example.org/topic", "ntfy"),
        ("http://ntfy/topic", "ntfy"),
        ("https://hooks.slack.example/services/T0/B0/x", "json"),
        ("http://192.168.1.7:8080/hook", "json"),
        ("http://[::1]/hook", "json"),
    ],
)
def test_the_form_follows_from_the_address_unless_it_is_named(url, form):
    assert address_of(url).form == form
    assert address_of(url, "ntfy").form == "ntfy" and address_of(url, "json").form == "json"
    assert url not in repr(address_of(url))


@pytest.mark.parametrize(
    "url",
    [
        f"http://hooks.example.org/{SECRET}",
        f"http://8.8.8.8/{SECRET}",
        f"ftp://127.0.0.1/{SECRET}",
        f"file:///etc/{SECRET}",
        SECRET,
        f"https://{SECRET} b/",
        f"https://a.example:99999999/{SECRET}",
        f"https:///{SECRET}",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_being_said(url, monkeypatch):
    monkeypatch.setenv("FINETUNE_NOTIFY_URL", url)
    with pytest.raises(SettingError) as refused:
        notices_of(argparse.Namespace(notify_url_file=None))
    assert SECRET not in str(refused.value) and "FINETUNE_NOTIFY_URL" in str(refused.value)


def test_the_address_comes_from_the_environment_or_a_file_and_is_then_forgotten(monkeypatch, tmp_path):
    monkeypatch.setenv("FINETUNE_NOTIFY_URL", "https://a.example/x")
    path = tmp_path / "url"
    path.write_text("https://b.example/y\n")
    found = notices_of(argparse.Namespace(notify_url_file=path))
    assert found._address.url == "https://b.example/y" and "FINETUNE_NOTIFY_URL" not in os.environ
    assert notices_of(argparse.Namespace(notify_url_file=None))._address is None
    with pytest.raises(SettingError, match="cannot be read"):
        notices_of(argparse.Namespace(notify_url_file=tmp_path / "none"))
    monkeypatch.setenv("FINETUNE_NOTIFY_AS", "pigeon")
    with pytest.raises(SettingError, match="json or ntfy"):
        notices_of(argparse.Namespace(notify_url_file=path))


def test_a_busy_server_is_tried_three_times(write_run):
    run = write_run()
    with receiving(500, 429, 200) as received:
        assert send(address_of(received.url), facts_of(run, run.view())) == ""
    assert len(received.requests) == 3


@pytest.mark.parametrize(("status", "tries"), [(503, 3), (404, 1), (302, 1), (307, 1)])
def test_a_server_that_refuses_is_noted_in_words_without_the_address(write_run, status, tries):
    run = write_run()
    with receiving() as elsewhere, receiving(status, to=elsewhere.url if status < 400 else "") as received:
        told = Notices(address_of(received.url))
        told.promise(run)
        told.keep(run)
        told.close()
    assert len(received.requests) == tries and elsewhere.requests == [], "no redirect is followed"
    (note,) = [note for note in run.view().notes if "notice of its end" in note.message]
    assert note.level == "warning" and SECRET not in note.message and "127.0.0.1" not in note.message
    assert ("leads on" if status < 400 else f"status {status}") in note.message
    assert run.view().state == "done"
    assert_secret(run.path)


def test_a_server_that_hangs_or_is_not_there_holds_nobody_up(write_run, monkeypatch):
    monkeypatch.setattr(notices, "TIMEOUT_S", 0.1)
    run, other = write_run(), write_run()
    with receiving(wait_s=1.0) as received:
        told = Notices(address_of(received.url))
        began = time.monotonic()
        with told.of(run):
            pass
        assert time.monotonic() - began < 0.1, "it is sent in a thread of its own"
        told.close()
    assert len(received.requests) == 3 and "in time" in run.view().notes[-1].message
    with told.of(other):  # nobody listens there any more
        pass
    told.close()
    assert "cannot be reached" in other.view().notes[-1].message
    assert_secret(run.path, other.path)


def test_a_run_that_was_killed_is_told_once_by_the_next_start(workspace, write_run):
    killed, waiting, old = write_run(state=""), write_run(steps=-1, state=""), write_run()
    with receiving() as received:
        before = Notices(address_of(received.url))
        before.promise(killed)  # and then its process is gone
        assert killed.view().state == "interrupted"
        for _ in range(2):
            queue = RunQueue(workspace, notices=Notices(address_of(received.url)))
            queue.notices.close()
    assert [(each["run"], each["state"]) for each in received.facts] == [(killed.id, "interrupted")]
    assert waiting.view().notes and old.view().state == "done"


def test_a_run_that_another_process_trains_is_not_told_of_yet(workspace, write_run):
    run = write_run(state="")
    with receiving() as received, run.held():
        told = Notices(address_of(received.url))
        told.promise(run)
        told.overdue(workspace)
        told.close()
    assert received.requests == [] and (run.path / "notice-due").exists()


def test_without_an_address_nothing_is_noted_or_sent(write_run):
    run = write_run()
    with Notices().of(run):
        pass
    assert not (run.path / "notice-due").exists()


def test_a_deleted_run_is_no_error(workspace, write_run):
    run = write_run()
    with receiving() as received:
        told = Notices(address_of(received.url))
        with told.of(run):
            workspace.delete(run)
        told.promise(run)
        told.close()
    assert received.requests == [] and not run.path.exists()


def test_words_leave_out_what_is_not_known():
    facts = {"run": "001-a", "state": "failed", "code": "data", "method": "dpo", "step": 0, "total_steps": 0}
    assert words({**facts, "duration_s": 0.0, "held_out_loss": None}) == "Run 001-a: failed (data), DPO."


def test_a_command_tells_too_and_its_address_is_nowhere(with_tiny, recipe_file, command, monkeypatch):
    with receiving() as received:
        monkeypatch.setenv("FINETUNE_NOTIFY_URL", received.url)
        code, out, error = command("train", recipe_file, "--set", "training.max_steps=1")
        assert code == 0 and [each["state"] for each in received.facts] == ["done"]
    assert_secret(with_tiny.path, said=out + error)


KILLED = """
import sys
sys.path.insert(0, "")
import finetune.training.train as train
def wait(*_):
    print("up", flush=True)
    __import__("time").sleep(60)
train.prepare = wait
from finetune.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.heavy
@pytest.mark.threat("T33")
@pytest.mark.timeout(300)
def test_the_page_tells_of_a_run_that_was_killed_and_its_address_is_nowhere(with_tiny, recipe_file, capsys):
    with receiving() as received:
        environment = {"FINETUNE_HOME": str(with_tiny.path), "FINETUNE_NOTIFY_URL": received.url}
        words = [sys.executable, "-c", KILLED, "train", str(recipe_file)]
        process = subprocess.Popen(
            words, cwd=PROJECT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        wait_for(lambda: b"up" in process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert received.requests == []
        with app(with_tiny.path, FINETUNE_NOTIFY_URL=received.url):
            wait_for(lambda: received.requests)
        assert [each["state"] for each in received.facts] == ["interrupted"]
    assert_secret(with_tiny.path, said=capsys.readouterr().out + process.stdout.read().decode())

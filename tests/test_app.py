"""The program as a process: started beside another, killed, restarted, asked to end in the middle of a run."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest

from finetune.paths import PROJECT
from finetune.runs.workspace import Workspace
from tests.browser import free_port
from tests.service.test_queue import wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no launcher on Windows")

WITHIN_S = 8.0
"""From the request to end to the exit code; Docker kills after 10 s."""

RECIPE = """
name: long
model: {id: tiny}
data: {path: assets/samples/pirate-voice.jsonl}
training: {max_steps: 100000, batch_size: 4, save_steps: 5}
evaluation: {times: 0}
"""

INSTEAD = """
import runpy, sys, threading
sys.path.insert(0, "")
if "--server" in sys.argv:
    import finetune.training.train
    def instead(*_):
        %s
    finetune.training.train.prepare = instead
runpy.run_path("app.py", run_name="__main__")
"""
"""The program, with other code in place of ``prepare``."""


class Program:
    """A running ``app.py`` on a workspace of its own."""

    def __init__(self, workspace: Workspace, script: str = "app.py"):
        self.workspace, self.port = workspace, free_port()
        command = [sys.executable, script, "--no-browser", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=PROJECT, env=environment(workspace), stderr=subprocess.PIPE, text=True
        )
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Return once the page can be visited."""
        address = self.workspace.path / "server.json"
        wait_for(lambda: address.exists() or self.process.poll() is not None)
        assert json.loads(address.read_text()) == {"pid": self.process.pid, "url": f"http://127.0.0.1:{self.port}"}

    def ask(self, endpoint: str, *values):
        from gradio_client import Client

        return Client(f"http://127.0.0.1:{self.port}", verbose=False).predict(*values, api_name=endpoint)

    def begin(self, recipe: str = RECIPE, steps: int = 6):
        """A run that has reached step ``steps``."""
        run = self.workspace.run(self.ask("/start", recipe))
        wait_for(lambda: run.view().step >= steps)
        return run

    def said(self, words: str) -> str:
        """The next line of stderr with these ``words``; the log is among the lines."""
        return next(line for line in self.process.stderr if words in line)

    @property
    def server(self) -> psutil.Process:
        (server,) = psutil.Process(self.process.pid).children()
        return server

    def end(self, *signals: int) -> tuple[int, float]:
        """The exit code, and the seconds from the first signal to it."""
        began = time.monotonic()
        for each in signals:
            self.process.send_signal(each)
        code = self.process.wait(60)
        return code, time.monotonic() - began


def environment(workspace: Workspace) -> dict:
    return {**os.environ, "FINETUNE_HOME": str(workspace.path), "OMP_NUM_THREADS": "1"}


@contextmanager
def program(workspace: Workspace, script: str = "app.py"):
    running = Program(workspace, script)
    try:
        yield running
    finally:
        running.process.kill()
        print(running.process.communicate()[1])


def instead(folder, code: str) -> str:
    """A script that is the program with ``code`` in place of ``prepare``."""
    script = folder / "instead.py"
    script.write_text(INSTEAD % code)
    return str(script)


def refused(home, *options: str, prefix=()) -> str:
    """The error message of a start that is refused."""
    command = [*prefix, sys.executable, "app.py", "--no-browser", *options]
    done = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, "FINETUNE_HOME": str(home)}, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def assert_ended_well(running: Program, run, code: int, seconds: float, behind: int = 0) -> None:
    """It ended with 0 in time, and ``run`` can be resumed from at most ``behind`` steps before its last one."""
    print(f"ended after {seconds:.2f} s")
    assert code == 0 and seconds < WITHIN_S
    view, found = run.view(), run.checkpoints.newest()
    assert view.state == "interrupted" and not found.skipped
    assert view.step - behind <= found.checkpoint.step <= view.step
    assert "The program was asked to end." in [note.message for note in view.notes]
    assert not (running.workspace.path / "server.json").exists()


def test_killed_in_the_middle_of_a_run_it_restarts_and_the_run_can_be_resumed(with_tiny):
    with program(with_tiny) as running:
        run = running.begin()
        url = f"http://127.0.0.1:{running.port}"
        assert f"already at {url} (process {running.process.pid})" in refused(with_tiny.path)

        running.server.kill()
        assert "killed by SIGKILL" in running.said("Finetune Studio was")
        wait_for(lambda: not run.is_held)
        wait_for(lambda: not (with_tiny.path / "server.json").exists())
        running.wait_until_up()
        status = running.ask("/status", run.id)
        assert (status["state"], status["has_model"]) == ("interrupted", False) and status["step"] >= 6

        reached = run.view().step
        beside = subprocess.Popen([sys.executable, "-m", "finetune", "resume", run.id], cwd=PROJECT,
                                  env=environment(with_tiny), stdout=subprocess.PIPE, text=True)  # fmt: skip
        wait_for(lambda: run.view().state == "running" and run.view().step > reached)
        assert running.ask("/stop", run.id)["state"] == "stopping"
        assert beside.communicate(timeout=60)[0].split()[-1] == "stopped" and run.view().has_model

        second = running.begin()
        assert_ended_well(running, second, *running.end(signal.SIGTERM))


def test_ctrl_c_in_the_middle_of_a_run_saves_a_checkpoint(with_tiny):
    with program(with_tiny) as running:
        run = running.begin()
        assert_ended_well(running, run, *running.end(signal.SIGINT))
        assert "001-long is saving a checkpoint" in running.process.stderr.read()


def test_an_unusable_workspace_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    message = refused(tmp_path / "file")
    assert message.count("\n") == 1 and "a file is where the folder should be" in message


@pytest.mark.heavy
@pytest.mark.parametrize("trial", range(20))
def test_asked_to_end_at_any_step(with_tiny, trial):
    with program(with_tiny) as running:
        run = running.begin(steps=5 + trial)
        assert_ended_well(running, run, *running.end(signal.SIGTERM))


BIG = RECIPE.replace("tiny", "starter").replace("save_steps: 5", "save_steps: 1") + "adapter: {type: full}"


@pytest.mark.heavy
@pytest.mark.parametrize("trial", range(3))
def test_asked_to_end_while_it_saves(workspace, trial):
    with program(workspace) as running:
        run = running.begin(BIG, steps=5 + trial)
        wait_for(lambda: list(run.checkpoints.folder.glob(".staging-*")))
        assert_ended_well(running, run, *running.end(signal.SIGTERM), behind=1)


@pytest.mark.heavy
def test_asked_twice_it_ends_at_once_and_the_last_checkpoint_is_whole(with_tiny):
    with program(with_tiny) as running:
        run = running.begin()
        code, seconds = running.end(signal.SIGTERM, signal.SIGINT)
        assert code in (0, 137) and seconds < 2
        wait_for(lambda: not run.is_held)
        assert run.view().state == "interrupted" and run.checkpoints.newest().checkpoint.step >= 5


@pytest.mark.heavy
def test_without_its_launcher_it_ends_well_and_frees_the_workspace(with_tiny):
    with program(with_tiny) as running:
        run, server = running.begin(), running.server
        running.process.kill()
        server.wait(WITHIN_S)
        assert run.view().state == "interrupted" and run.checkpoints.newest().checkpoint.step == run.view().step
    with program(with_tiny) as again:
        assert again.ask("/status", run.id)["state"] == "interrupted"
        assert again.end(signal.SIGTERM)[0] == 0


@pytest.mark.heavy
def test_a_hanging_step_does_not_delay_the_end(with_tiny, tmp_path):
    with program(with_tiny, instead(tmp_path, "threading.Event().wait()")) as running:
        run = running.workspace.run(running.ask("/start", RECIPE))
        wait_for(lambda: run.view().phase == "tokenizing")
        code, seconds = running.end(signal.SIGTERM)
        print(f"ended after {seconds:.2f} s")
        assert code == 0 and seconds < WITHIN_S
        assert run.view().state == "interrupted"


@pytest.mark.heavy
def test_a_lost_context_restarts_the_server(with_tiny, tmp_path):
    lost = "raise RuntimeError('CUDA error: device-side assert triggered')"
    with program(with_tiny, instead(tmp_path, lost)) as running:
        run, server = running.workspace.run(running.ask("/start", RECIPE)), running.server
        server.wait(120)
        assert "(the GPU stopped working). It restarts in 1 s" in running.said("lost its CUDA context")
        running.wait_until_up()
        status = running.ask("/status", run.id)
        assert (status["state"], status["code"]) == ("failed", "gpu") and running.server.pid != server.pid

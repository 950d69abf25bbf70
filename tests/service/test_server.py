import json
import os
import signal
import socket
import subprocess
import sys
import threading
from queue import Empty

import pytest

from finetune.errors import BusyError
from finetune.paths import PROJECT
from finetune.runs.workspace import Workspace
from finetune.service.launcher import EXIT_CONTEXT_LOST, GRACE_S
from finetune.service.server import BUDGET_S, Claim, reasons_to_end, require_port

HOLD = """
import sys
from finetune.service.server import Claim
from finetune.runs.workspace import Workspace
claim = Claim(Workspace()).take()
claim.announce("http://127.0.0.1:1", 4321)
print("held", flush=True)
sys.stdin.read()
"""

LISTEN = """
import threading, sys
from finetune.service.server import end_with, reasons_to_end
reasons = reasons_to_end(threading.Event())
end_with(0)
print("up", flush=True)
print(reasons.get(), flush=True)
threading.Event().wait()
"""


def process(code: str, workspace: Workspace) -> subprocess.Popen:
    """A process running ``code``, once it has printed its first line."""
    started = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "FINETUNE_HOME": str(workspace.path)},
    )  # fmt: skip
    assert started.stdout.readline().strip() in ("held", "up")
    return started


def test_a_second_server_is_refused_with_the_address_of_the_first(workspace):
    first = Claim(workspace).take()
    first.announce("http://127.0.0.1:7860", 1234)
    with pytest.raises(BusyError, match=r"already at http://127\.0\.0\.1:7860 \(process 1234\)"):
        Claim(workspace).take()
    first.release()
    second = Claim(workspace).take(patience_s=0)
    second.release()


def test_the_claim_of_a_killed_server_is_taken_over_at_once(workspace):
    first = process(HOLD, workspace)
    with pytest.raises(BusyError, match="process 4321"):
        Claim(workspace).take()
    first.kill()
    first.communicate()
    address = workspace.path / "server.json"
    assert json.loads(address.read_text()) == {"pid": 4321, "url": "http://127.0.0.1:1"}
    second = Claim(workspace).take(patience_s=0)
    assert not address.exists()
    second.release()


def test_a_server_that_is_just_ending_is_waited_for(workspace):
    first = Claim(workspace).take()
    threading.Timer(0.3, first.release).start()
    second = Claim(workspace).take(patience_s=20)
    with pytest.raises(BusyError, match="being started or ended"):
        Claim(workspace).take(patience_s=0)
    second.release()


def test_each_workspace_has_its_own_server(workspace, tmp_path):
    claims = [Claim(each).take() for each in (workspace, Workspace(tmp_path / "other"))]
    assert len(claims) == 2
    for claim in claims:
        claim.release()


@pytest.fixture
def handlers():
    """Restores the signal handlers after the test."""
    kept = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for each, handler in kept.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_reason_to_end_with_0(handlers, signum):
    reasons = reasons_to_end(threading.Event())
    with pytest.raises(Empty):
        reasons.get_nowait()
    signal.raise_signal(signum)
    assert reasons.get_nowait() == 0


def test_a_lost_context_is_a_reason_to_restart(handlers):
    context_lost = threading.Event()
    reasons = reasons_to_end(context_lost)
    context_lost.set()
    assert reasons.get(timeout=10) == EXIT_CONTEXT_LOST


@pytest.mark.skipif(sys.platform == "win32", reason="there is no launcher on Windows, and no SIGTERM to be caught")
def test_the_second_signal_ends_at_once_and_the_end_of_the_launcher_counts_as_the_first(workspace):
    server = process(LISTEN, workspace)
    server.stdin.close()
    assert server.stdout.readline().strip() == "0"
    server.terminate()
    assert server.wait(5) == 128 + signal.SIGTERM


def test_the_time_limits_of_run_launcher_and_docker_are_in_order():
    assert BUDGET_S + 1 < GRACE_S < 8


def test_an_unusable_port_is_refused_with_the_reason(workspace):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BusyError, match=rf"Port {port} is taken\. Choose another one with --port"):
            require_port("127.0.0.1", port)
    require_port("127.0.0.1", port)
    with pytest.raises(BusyError, match="no port 70000"):
        require_port("127.0.0.1", 70000)
    with pytest.raises(BusyError, match="Nothing can listen at 192.0.2.1"):
        require_port("192.0.2.1", 0)

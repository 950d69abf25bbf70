import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from finetune.paths import PROJECT
from finetune.service.launcher import (
    CALM_S,
    EXIT_CONTEXT_LOST,
    EXIT_RESTART,
    LONGEST_S,
    MOST_STARTS,
    Pace,
    is_crash,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no launcher on Windows")

LAUNCH = "import sys; from finetune.service import launcher; {before}; sys.exit(launcher.launch(sys.argv[1:]))"

BEGIN = """
import os, signal, sys
from pathlib import Path
starts = Path(__file__).with_suffix(".starts")
starts.touch()
starts.write_text(starts.read_text() + "x")
number = len(starts.read_text())
def say(*words):
    print(*words, flush=True)
def serving():
    os.write(0, b"s")
"""
"""The first lines of every server here: the number of this start, a way to report to the test, and to the launcher."""

STUBBORN = """
signal.signal(signal.SIGTERM, lambda *_: say("asked"))
say("up")
while True:
    signal.pause()
"""
"""A server that ignores the request to end."""

WILLING = """
def end(*_):
    say("asked")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
say("up")
while True:
    signal.pause()
"""
"""A server that ends on request."""


QUICK = "launcher.FIRST_S = launcher.LONGEST_S = 0.01"


@contextmanager
def launched(folder, server: str, before: str = "pass", wrapper=(), **options):
    """The launcher's process, with a server of the given code; both have ended when the block is left."""
    script = folder / "server.py"
    script.write_text(BEGIN + server)
    command = [*wrapper, sys.executable, "-c", LAUNCH.format(before=before), sys.executable, str(script)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=PROJECT, start_new_session=True, **pipes, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run(folder, server: str, **options) -> tuple[int, list[str], list[str]]:
    """The launcher's exit code, and the lines of stdout and stderr."""
    with launched(folder, server, **options) as process:
        output, errors = process.communicate(timeout=60)
    return process.returncode, output.splitlines(), errors.splitlines()


def expect(process, *lines: str) -> None:
    for line in lines:
        assert process.stdout.readline().strip() == line


@pytest.mark.parametrize("code", [0, 1, 2])
def test_it_ends_with_the_exit_code_of_its_server(tmp_path, code):
    assert run(tmp_path, f"say('up'); sys.exit({code})") == (code, ["up"], [])


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        (f"os._exit({EXIT_CONTEXT_LOST})", EXIT_CONTEXT_LOST, "lost its CUDA context"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137, "killed by SIGKILL (often: the machine ran out of memory)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 139, "killed by SIGSEGV."),
        ("os.kill(os.getpid(), signal.SIGBUS)", 135, "killed by SIGBUS."),
    ],
)
def test_a_server_that_never_comes_to_serve_is_given_up_with_a_sentence(tmp_path, end, code, words):
    returned, output, errors = run(tmp_path, f"say('up', *sys.argv[1:]); {end}", before=QUICK)
    assert returned == code
    assert output == ["up"] + ["up --no-browser"] * (MOST_STARTS - 1)
    assert all(words in line for line in errors) and len(errors) == MOST_STARTS
    assert "restarts in" in errors[-2] and f"in {MOST_STARTS} starts, so it ends here" in errors[-1]


@pytest.mark.threat("S12")
@pytest.mark.parametrize(
    "end", [f"os._exit({EXIT_CONTEXT_LOST})", "os.kill(os.getpid(), signal.SIGKILL)", "raise MemoryError"]
)
def test_crashes_of_a_server_that_served_never_end_the_studio(tmp_path, end):
    server = f"serving()\nif number > 12:\n    os._exit(0)\n{end}"
    code, _, errors = run(tmp_path, server, before=QUICK)
    assert code == 0 and len([line for line in errors if "its runs can be resumed" in line]) == 12


@pytest.mark.threat("S12")
def test_a_start_that_fails_between_others_does_not_count_for_ever(tmp_path):
    server = "number % 3 or serving()\nif number > 14:\n    os._exit(0)\nos.kill(os.getpid(), signal.SIGKILL)"
    code, _, errors = run(tmp_path, server, before=QUICK)
    assert code == 0 and len(errors) == 14


@pytest.mark.threat("S12")
def test_each_crash_is_waited_for_longer_up_to_a_limit_and_a_long_calm_is_a_new_beginning():
    pace = Pace()
    waits = [pace.after(1, served=True) for _ in range(12)]
    assert waits[:5] == [1, 2, 4, 8, 16] and waits[-1] == waits[-2] == LONGEST_S == 300
    assert [pace.after(CALM_S, served=True), pace.after(1, served=True)] == [1, 2]
    assert pace.after(10 * CALM_S, served=False) == 4, "a long start is no calm"


def test_asked_while_it_waits_it_ends_at_once(tmp_path):
    with launched(tmp_path, "serving(); os.kill(os.getpid(), signal.SIGKILL)", "launcher.FIRST_S = 60") as process:
        assert "It restarts in 60 s" in process.stderr.readline()
        process.terminate()
        assert process.wait(10) == 0


def test_a_requested_restart_is_not_limited(tmp_path):
    code, output, errors = run(tmp_path, f"say(number, *sys.argv[1:]); os._exit({EXIT_RESTART} if number < 6 else 0)")
    assert code == 0 and output == ["1", *(f"{n} --no-browser" for n in range(2, 7))]
    assert len(errors) == 5 and all("restarts, as requested" in line for line in errors)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_passed_on_once_and_the_server_ends_by_itself(tmp_path, signum):
    with launched(tmp_path, WILLING) as process:
        expect(process, "up")
        os.killpg(process.pid, signum)  # as a terminal does it
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "asked\n", "")


def test_a_server_that_is_still_starting_ends_at_once(tmp_path):
    with launched(tmp_path, "say('up'); signal.pause()") as process:
        expect(process, "up")
        process.terminate()
        assert process.wait(10) == 0


def test_a_second_signal_ends_it_at_once(tmp_path):
    with launched(tmp_path, STUBBORN) as process:
        expect(process, "up")
        process.send_signal(signal.SIGINT)
        expect(process, "asked")
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 137
        assert process.stderr.read() == ""


def test_a_server_that_does_not_end_is_killed(tmp_path):
    with launched(tmp_path, STUBBORN, before="launcher.GRACE_S = 0.2") as process:
        expect(process, "up")
        process.terminate()
        expect(process, "asked")
        assert process.wait(5) == 137


def test_a_server_is_not_restarted_after_a_request_to_end(tmp_path):
    server = f"signal.signal(signal.SIGTERM, lambda *_: os._exit({EXIT_CONTEXT_LOST})); say('up'); signal.pause()"
    with launched(tmp_path, server) as process:
        expect(process, "up")
        process.terminate()
        assert process.communicate(timeout=10) == ("", "") and process.returncode == EXIT_CONTEXT_LOST


def test_without_its_launcher_the_server_notices_by_its_stdin(tmp_path):
    with launched(tmp_path, "say('up'); sys.stdin.read(); say('alone')") as process:
        expect(process, "up")
        process.kill()
        expect(process, "alone", "")


def test_without_its_launcher_a_server_that_serves_is_asked_to_end(tmp_path):
    server = f"""
sys.path.insert(0, {str(PROJECT)!r})
from finetune.service.server import end_with, say_serving
signal.signal(signal.SIGTERM, lambda *_: (say("asked"), os._exit(0)))
end_with(0)
say_serving(0)
say("up")
while True:
    signal.pause()
"""
    with launched(tmp_path, server) as process:
        expect(process, "up")
        process.kill()
        expect(process, "asked")


def test_the_launcher_works_without_a_stdin(tmp_path):
    script = ["sh", "-c", '"$@" <&-', "sh"]
    with launched(tmp_path, "say('up'); sys.stdin.read(); say('alone')", wrapper=script) as process:
        expect(process, "up")
        os.killpg(process.pid, signal.SIGKILL)
        expect(process, "alone")


@pytest.mark.skipif(not shutil.which("nohup"), reason="needs the command nohup")
def test_an_ignored_hangup_stays_ignored(tmp_path):
    with launched(tmp_path, WILLING, wrapper=["nohup"], stdin=subprocess.DEVNULL) as process:
        expect(process, "up")
        process.send_signal(signal.SIGHUP)
        process.terminate()
        assert process.wait(10) == 0


def test_processes_of_a_crashed_server_are_killed(tmp_path):
    server = """
if number == 1:
    ready, done = os.pipe()
    if not os.fork():
        os.write(done, b"x")
        signal.pause()
    os.read(ready, 1)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    code, _, errors = run(tmp_path, server, before=QUICK)  # communicate returns when nobody holds stdout any more
    assert code == 0 and len(errors) == 1


NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode != 0,
    reason="needs the right to create a process namespace",
)
def test_as_process_1_it_reaps_orphans_and_ends_on_request(tmp_path):
    server = """
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
readable, writable = os.pipe()
if not (child := os.fork()):
    if not (orphan := os.fork()):
        while os.getppid() != 1:
            pass
        os._exit(0)
    os.write(writable, str(orphan).encode())
    os._exit(0)
os.waitpid(child, 0)
orphan = os.read(readable, 20).decode()
while os.path.exists("/proc/" + orphan):
    pass
say("reaped, parent", os.getppid())
os.kill(1, signal.SIGTERM)
signal.pause()
"""
    code, output, errors = run(tmp_path, server, wrapper=NAMESPACE)
    assert (code, output, errors) == (0, ["reaped, parent 1"], [])


@pytest.mark.parametrize(("code", "expected"), [(0, False), (2, False), (-15, False), (-9, True), (75, True)])
def test_only_an_unrequested_end_is_a_crash(code, expected):
    assert is_crash(code, served=False) is is_crash(code, served=True) is expected
    assert is_crash(1, served=True) and not is_crash(1, served=False), "an error at the start comes again"


def test_it_loads_nothing_but_the_standard_library():
    code = f"import sys; sys.path.insert(0, {str(PROJECT)!r}); import finetune.service.launcher; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-IS", "-c", code], capture_output=True, text=True).stdout.split()
    packages = {name.split(".")[0] for name in loaded}
    assert packages - set(sys.stdlib_module_names) == {"__main__", "finetune"}

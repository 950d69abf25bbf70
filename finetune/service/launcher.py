"""The launcher: starts the server, passes signals on to it, and restarts it after a crash.

It imports nothing that takes time or can crash, so that it survives what the server does not: a lost CUDA context, the
kernel's out-of-memory killer, a fault in a C library. As process 1 of a container it also reaps orphans. It keeps no
state: everything a new server needs is on the disk. POSIX only.
"""

import os
import signal
import socket
import sys
import time
from contextlib import suppress

EXIT_CONTEXT_LOST = 75
"""Exit code of a process that lost its CUDA context (EX_TEMPFAIL of sysexits.h): a new process may succeed."""
EXIT_RESTART = 76
"""Exit code of a server that a person asked to restart: this is not counted as a crash."""
SERVING = b"s"
"""What a server writes to its stdin once its page can be visited."""
MOST_STARTS = 5
"""Crashes in a row before the page could be visited, after which there is no point in another start."""
FIRST_S, LONGEST_S = 1.0, 300.0
"""Seconds before the first restart, twice as long before each further one, and at most."""
CALM_S = 600.0
"""A server that has worked for so long is restarted as after a first crash."""
GRACE_S = 7.5
"""A server that was asked to end is killed after this time: Docker would kill the container after 10 s."""


def launch(command: list[str]) -> int:
    """Run the server ``command`` until it has ended for good; its exit code, or 128 + n if signal n ended it.

    SIGINT, SIGTERM and SIGHUP ask it to end (as SIGTERM), a second one kills it. It is restarted, without a browser:
    at once after ``EXIT_RESTART``, and after a crash or ``EXIT_CONTEXT_LOST`` as soon as its pace allows, so that
    nobody who makes it crash ends the studio for others. Only one that crashes again and again before its page can be
    visited is given up. If the launcher dies, its end of the server's stdin closes, which asks the server to end too.
    """
    ends = {each for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) != signal.SIG_IGN}
    # Blocked signals wait until sigwait takes them, so none is lost between two calls; ignored ones would be.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, ends | {signal.SIGCHLD, signal.SIGALRM})
    stdin, alive = socket.socketpair()
    alive.setblocking(False)
    pace = Pace()
    options: list[str] = []
    while True:
        began, server = time.monotonic(), _start([*command, *options], stdin.fileno())
        code, was_asked = _follow(server, ends)
        served = _has_served(alive)
        options = ["--no-browser"]
        if was_asked and code in (-signal.SIGTERM, EXIT_RESTART):
            return 0  # it had not started serving, or was about to end anyway
        if code == EXIT_RESTART:
            _say("Finetune Studio restarts, as requested; its runs can be resumed.")
            continue
        if was_asked or not is_crash(code, served):
            return code if code >= 0 else 128 - code
        wait_s = pace.after(time.monotonic() - began, served)
        if wait_s is None:
            _say(f"{_cause(code)} It never came to serve its page in {MOST_STARTS} starts, so it ends here.")
            return code if code >= 0 else 128 - code
        _say(f"{_cause(code)} It restarts in {wait_s:.0f} s; its runs can be resumed.")
        if signal.sigtimedwait(ends, wait_s):
            return 0


class Pace:
    """How long to wait before the next start: longer after each crash, so that a machine in trouble comes to rest."""

    def __init__(self):
        self._wait_s = 0.0
        self._unserved = 0

    def after(self, up_s: float, served: bool) -> float | None:
        """The seconds to wait after a crash of a server that was up for ``up_s``; None if it is given up."""
        self._unserved = 0 if served else self._unserved + 1
        if self._unserved >= MOST_STARTS:
            return None
        is_first = not self._wait_s or (served and up_s >= CALM_S)
        self._wait_s = FIRST_S if is_first else min(2 * self._wait_s, LONGEST_S)
        return self._wait_s


def is_crash(code: int, served: bool) -> bool:
    """True if nobody asked for the end with ``code`` (-n for signal n), and a new process may succeed.

    A server that ends with a traceback (1) may succeed again if it ``served`` before.
    """
    if code < 0:
        return -code not in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return code == EXIT_CONTEXT_LOST or (code == 1 and served)


def _start(command: list[str], stdin: int) -> int:
    """The process id of a new server; it leads its own process group, or a terminal's Ctrl+C would reach it twice."""
    os.set_inheritable(stdin, True)  # where it is 0 already, because this process has no stdin
    given = (os.POSIX_SPAWN_DUP2, stdin, 0)
    return os.posix_spawn(command[0], command, os.environ, file_actions=[given], setpgroup=0, setsigmask=())


def _has_served(alive: socket.socket) -> bool:
    """True if the server that has ended said before that its page could be visited."""
    try:
        return bool(alive.recv(1024))
    except BlockingIOError:
        return False


def _follow(server: int, ends: set[signal.Signals]) -> tuple[int, bool]:
    """Pass signals on until ``server`` has ended; its exit code (-n for signal n), and whether it was asked to end."""
    was_asked = False
    while True:
        happened = signal.sigwait(ends | {signal.SIGCHLD, signal.SIGALRM})
        if happened == signal.SIGCHLD:
            code = _reaped(server)
            if code is not None:
                signal.alarm(0)
                return code, was_asked
        elif was_asked:
            _kill_all_of(server)
        else:
            was_asked = True
            os.kill(server, signal.SIGTERM)
            signal.setitimer(signal.ITIMER_REAL, GRACE_S)


def _reaped(server: int) -> int | None:
    """Reap every child that has ended; the exit code of ``server`` if it is among them.

    Processes it left running in its group are killed: they may hold the GPU or a lock.
    """
    code = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == server:
                code = os.waitstatus_to_exitcode(ended[1])
                _kill_all_of(server)
    return code


def _kill_all_of(server: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(server, signal.SIGKILL)


def _cause(code: int) -> str:
    if code == EXIT_CONTEXT_LOST:
        return "Finetune Studio lost its CUDA context (the GPU stopped working)."
    if code > 0:
        return "Finetune Studio ended by an error of its own."
    why = " (often: the machine ran out of memory)" if -code == signal.SIGKILL else ""
    return f"Finetune Studio was killed by {signal.Signals(-code).name}{why}."


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)

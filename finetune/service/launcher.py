"""The launcher: starts the server, hands on what it is asked, and starts it again if it crashed.

It imports nothing that takes time or can crash, so that it outlives what the server cannot: a lost graphics card, the
kernel's out-of-memory killer, a fault in a C library. As process 1 of a container it also buries orphans. It keeps no
state: what a new server needs to know is on the disk. POSIX only.
"""

import os
import signal
import sys
import time
from contextlib import suppress

EXIT_CONTEXT_LOST = 75
"""Exit code of a process that lost its graphics card (EX_TEMPFAIL of sysexits.h): a new one may succeed."""
EXIT_RESTART = 76
"""Exit code of a server that a person asked to start again: that is no crash, and is not counted as one."""
MOST_RESTARTS = 3
WITHIN_S = 600.0
GRACE_S = 7.5
"""After this time a server that was asked to end is killed: Docker would kill the container after 10 s."""


def launch(command: list[str]) -> int:
    """Run the server ``command`` until it has ended for good; its exit code, or 128 + n if signal n ended it.

    SIGINT, SIGTERM and SIGHUP ask it to end (as SIGTERM), a second one kills it. It is started again, without a
    browser, after a crash or ``EXIT_CONTEXT_LOST``, at most three times in ten minutes, and after ``EXIT_RESTART`` however often. If
    the launcher dies, its end of the server's stdin closes, which asks the server to end too.
    """
    ends = {each for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) != signal.SIG_IGN}
    # Blocked signals wait until sigwait takes them, so none is lost between two looks; ignored ones would be.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, ends | {signal.SIGCHLD, signal.SIGALRM})
    stdin, _alive = os.pipe()
    restarts: list[float] = []
    options: list[str] = []
    while True:
        server = _start([*command, *options], stdin)
        code, was_asked = _follow(server, ends)
        options = ["--no-browser"]
        if was_asked and code in (-signal.SIGTERM, EXIT_RESTART):
            return 0  # it had not begun, or was about to end anyway
        if code == EXIT_RESTART:
            _say("Finetune Studio is started again, as it was asked; its runs can be resumed.")
            continue
        now = time.monotonic()
        restarts = [then for then in restarts if now - then < WITHIN_S]
        if was_asked or not is_crash(code) or len(restarts) == MOST_RESTARTS:
            if is_crash(code) and not was_asked:
                _say(f"{_how(code)} It has been started again {MOST_RESTARTS} times in ten minutes, so it ends here.")
            return code if code >= 0 else 128 - code
        restarts.append(now)
        _say(f"{_how(code)} It is started again ({len(restarts)} of {MOST_RESTARTS}); its runs can be resumed.")


def is_crash(code: int) -> bool:
    """True if a new process may do better than one that ended with ``code`` (-n for signal n), and nobody ended it."""
    return code == EXIT_CONTEXT_LOST or (code < 0 and -code not in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


def _start(command: list[str], stdin: int) -> int:
    """The process id of a new server; it leads a group of its own, or a terminal's Ctrl+C would reach it twice."""
    os.set_inheritable(stdin, True)  # where it is 0 already, because this process has no stdin
    given = (os.POSIX_SPAWN_DUP2, stdin, 0)
    return os.posix_spawn(command[0], command, os.environ, file_actions=[given], setpgroup=0, setsigmask=())


def _follow(server: int, ends: set[signal.Signals]) -> tuple[int, bool]:
    """Hand on what is asked until ``server`` has ended; its exit code (-n for signal n), and whether it was asked."""
    was_asked = False
    while True:
        happened = signal.sigwait(ends | {signal.SIGCHLD, signal.SIGALRM})
        if happened == signal.SIGCHLD:
            code = _buried(server)
            if code is not None:
                signal.alarm(0)
                return code, was_asked
        elif was_asked:
            _kill_all_of(server)
        else:
            was_asked = True
            os.kill(server, signal.SIGTERM)
            signal.setitimer(signal.ITIMER_REAL, GRACE_S)


def _buried(server: int) -> int | None:
    """Take note of every child that has ended; the exit code of ``server`` if it is among them.

    What it has left running in its group ends with it: it may hold the graphics card or a lock.
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


def _how(code: int) -> str:
    if code == EXIT_CONTEXT_LOST:
        return "Finetune Studio lost its graphics card."
    why = " (often: the machine ran out of memory)" if -code == signal.SIGKILL else ""
    return f"Finetune Studio was killed by {signal.Signals(-code).name}{why}."


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)

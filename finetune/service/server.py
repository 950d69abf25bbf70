"""The life of a server around its page: its claim on the workspace, its port, and the reasons to end it.

It knows neither the page nor the launcher; ``app`` puts the three together.
"""

import errno
import json
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from queue import SimpleQueue

from filelock import FileLock, Timeout

from finetune.errors import BusyError
from finetune.runs.workspace import Workspace
from finetune.service.launcher import EXIT_CONTEXT_LOST, SERVING

BUDGET_S = 5.5
"""Time for the current run to save a checkpoint; with everything else the program ends within 8 s."""
CHANGING_S = 15.0
"""How long a server waits for one that is just starting or ending; a page is up within a few seconds."""


class Claim:
    """The right to serve a workspace: an OS file lock, held until the process ends, however that happens.

    ``server.json`` beside the lock holds the server's URL and process id while the page can be visited.
    """

    def __init__(self, workspace: Workspace):
        self._workspace = workspace
        self._lock = FileLock(workspace.path / "server.lock", thread_local=False, is_singleton=False)
        self._address = workspace.path / "server.json"

    def take(self, patience_s: float = CHANGING_S) -> "Claim":
        """Claim the workspace; ``BusyError`` names the server that holds it.

        A holder without an address is just starting or ending, and is waited for.
        """
        until = time.monotonic() + patience_s
        while True:
            try:
                self._lock.acquire(timeout=0.1)
            except Timeout:
                other = self._holder()
                if other or time.monotonic() > until:
                    raise self._refusal(other) from None
            else:
                self.withdraw()  # the address that a killed server left
                return self

    def announce(self, url: str, pid: int) -> None:
        """Publish the server's URL, and the process that a person would end."""
        unfinished = self._address.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({"pid": pid, "url": url}), encoding="utf-8")
        unfinished.replace(self._address)

    def withdraw(self) -> None:
        """Remove the address; the workspace stays claimed."""
        self._address.unlink(missing_ok=True)

    def release(self) -> None:
        """Give the claim back; only needed by a process that lives on."""
        self.withdraw()
        self._lock.release()

    def _holder(self) -> dict:
        try:
            return json.loads(self._address.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def _refusal(self, other: dict) -> BusyError:
        where = f"at {other['url']} (process {other['pid']})" if other else "being started or ended"
        return BusyError(
            f"Finetune Studio is already {where} for the workspace {self._workspace.path}.",
            "Use that page, end it first, or set FINETUNE_HOME to another folder.",
        )


def require_port(host: str, port: int) -> None:
    """``BusyError`` unless something could listen on ``port`` of ``host`` now."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OverflowError:
        raise BusyError(f"There is no port {port}.", "Choose one from 1 to 65535 with --port.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BusyError(f"Port {port} is taken.", "Choose another one with --port.") from None
        raise BusyError(f"Nothing can listen at {host}:{port}: {error.strerror}.") from None


def reasons_to_end(context_lost: threading.Event) -> SimpleQueue:
    """A queue of exit codes, one for each reason to end; to be called in the main thread.

    SIGTERM and SIGINT put 0, and end the process at once when they come again. ``context_lost`` puts
    ``EXIT_CONTEXT_LOST``.
    """
    reasons: SimpleQueue[int] = SimpleQueue()  # unlike an Event, a signal handler can put to it while it is waited for

    def at_once(signum: int, _) -> None:
        os._exit(128 + signum)

    def asked(*_) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, at_once)
        reasons.put(0)

    def watch() -> None:
        context_lost.wait()
        reasons.put(EXIT_CONTEXT_LOST)

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, asked)
    threading.Thread(target=watch, name="context-lost", daemon=True).start()
    return reasons


def say_serving(pipe: int) -> None:
    """Tell the launcher at the other end of ``pipe`` that the page can be visited."""
    with suppress(OSError):
        os.write(pipe, SERVING)


def end_with(pipe: int) -> None:
    """Ask this process to end, as SIGTERM does, once the other end of ``pipe`` is closed."""

    def watch() -> None:
        with suppress(ConnectionResetError):  # it had not read yet what ``say_serving`` wrote
            while os.read(pipe, 1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="launcher", daemon=True).start()

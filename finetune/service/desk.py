"""A desk: one thread that does the jobs which people ask for, one after the other.

A job stands in its run directory until it is done. One that was interrupted is taken up by the next server, but not for
ever (``finetune.runs.tries``). A job never ends a run: what goes wrong is written down beside what it brings.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue

from finetune.errors import BusyError, FinetuneError, GoneError, RunError
from finetune.machine.device_errors import explained
from finetune.machine.lease import Lease
from finetune.runs.job import Job, Stopped
from finetune.runs.workspace import Workspace

POLL_S = 1.0
WAITING = "waiting for the machine"

log = logging.getLogger(__name__)


class Desk:
    """The thread, and the jobs that wait for it."""

    def __init__(self, name: str, found: Iterable[Job], work: Callable[[Job, Callable[[], bool]], None]):
        """``found`` are the jobs of an earlier server; ``work`` does one, and is given whether it should end."""
        self._name, self._work = name, work
        self._asked: SimpleQueue[Job] = SimpleQueue()
        self._closing = threading.Event()
        for job in found:
            self._asked.put(job)
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def put(self, job: Job) -> None:
        """Have ``job`` done after those that wait."""
        job.report(WAITING, 0.0)
        self._asked.put(job)

    def close(self) -> None:
        """End the job at work; it is done again by the next server."""
        self._closing.set()

    def _serve(self) -> None:
        while True:
            job = self._asked.get()
            try:
                self._work(job, self._closing.is_set)
            except GoneError as error:
                log.info("%s %s", error.message, error.hint)
            except Exception:
                log.exception("The %s of %s could not be noted.", self._name, job.run.id)


def on_device(job: Job, workspace: Workspace, stopped: Callable[[], bool], do: Callable[[], None]) -> None:
    """``do``, once the device is free; nothing if it is ``stopped`` before."""
    while not stopped():
        try:
            lease = Lease(workspace.path).take()
        except BusyError:
            job.report(WAITING, 0.0)
            time.sleep(POLL_S)
            continue
        with lease:
            return do()


def noted(job: Job, what: str, do: Callable[[], None]) -> bool:
    """``do``, as one more try of ``job``, which is called ``what``; True if it came to its end.

    What goes wrong is written down. ``GoneError`` if the run was deleted.
    """
    try:
        with job.tries.one(f"This {what}"):
            do()
    except Stopped:
        return False
    except FinetuneError as error:
        job.fail(error)
        return False
    except Exception as error:
        if job.run.is_gone:
            raise job.run.gone() from error
        log.exception("The %s of %s ended.", what, job.run.id)
        wrong = RunError(f"An unexpected error ended the {what}.", "What went wrong is in the log of the program.")
        job.fail(explained(error) or wrong)
        return False
    return True

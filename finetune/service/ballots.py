"""The ballots of blind tests while their prompts are asked: one thread for each run, beside the worker.

It keeps nothing that is not on the disk: after a restart, whoever looks at a ballot has the rest of it asked, but not
for ever (``finetune.runs.tries``).
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from finetune.errors import BusyError, FinetuneError, RunError
from finetune.evaluation import ballot
from finetune.inference.chat import Pairs
from finetune.runs.run import Run
from finetune.runs.tries import Tries


class Ballots:
    """The threads that ask base and tuned the prompts of blind tests."""

    def __init__(self, pairs: Pairs, beside: Callable[[], AbstractContextManager]):
        self.pairs = pairs
        self.beside = beside
        """Uses the device beside a training (``RunQueue.beside``)."""
        self._changing = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._problems: dict[str, FinetuneError] = {}

    def ask_rest(self, run: Run, again: bool = False) -> FinetuneError | None:
        """Have the rest of the ballot of ``run`` asked, unless that is being done; the problem that ended the last try.

        After a problem, nothing is asked before someone wants it ``again``.
        """
        with self._changing:
            if again:
                self._problems.pop(run.id, None)
            at_work = run.id in self._threads and self._threads[run.id].is_alive()
            if run.id not in self._problems and not at_work:
                self._threads[run.id] = threading.Thread(target=self._ask, args=(run,), name="ballot", daemon=True)
                self._threads[run.id].start()
            return self._problems.get(run.id)

    def wait(self, run: Run, seconds: float) -> None:
        """Return once nothing of ``run`` is being asked, or after ``seconds``."""
        if thread := self._threads.get(run.id):
            thread.join(seconds)

    def _ask(self, run: Run) -> None:
        problem: FinetuneError | None = RunError(
            "The models could not be asked, by a fault of this program.", "Its log says why. Then try again."
        )
        try:
            with self.beside(), Tries(run.path / "tries").one("The blind test"):
                for _ in ballot.ask_rest(run, lambda: self.pairs.get(run.id)):
                    pass
            problem = None
        except BusyError:  # another process asks
            problem = None
        except FinetuneError as error:
            problem = error
        finally:
            if problem is not None:
                self._problems[run.id] = problem

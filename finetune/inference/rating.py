"""Answers rated by a reward model of this workspace: the scorer in use, loaded once."""

import threading

from finetune.machine import hardware
from finetune.models.scorer import Scorer, require_scorer
from finetune.runs.workspace import Workspace


class Raters:
    """The scorer in use: loading that of another run frees the memory of the former."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self._lock = threading.Lock()
        self._key: tuple | None = None
        self._scorer: Scorer | None = None

    def scores(self, run_id: str, messages: list[dict], answers: tuple[str, ...]) -> tuple[float, ...]:
        """The score of each of ``answers`` to ``messages`` by the reward model of ``run_id``; higher is better."""
        run = require_scorer(self.workspace.run(run_id))
        key = (run.id, run.model_dir.stat().st_mtime_ns)
        with self._lock:
            if self._key != key:
                self._drop()
                self._scorer, self._key = Scorer.load(run, self.workspace), key
            return tuple(self._scorer.scores([(messages, answer) for answer in answers]))

    def forget(self, run_id: str) -> None:
        """Free the memory of the scorer if it is of ``run_id``."""
        with self._lock:
            if self._key and self._key[0] == run_id:
                self._drop()

    def _drop(self) -> None:
        self._key = self._scorer = None
        hardware.release_memory()

"""The models at work: a request in, the pieces of its answer out, when it is its turn and the machine has time."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from functools import partial

from finetune.inference.memory import holder_of
from finetune.machine.device_errors import explained, is_context_lost
from finetune.machine.hardware import release_memory
from finetune.runs.workspace import Workspace
from finetune.service.sharing import Sharing
from finetune.serving.answer import Piece, pieces
from finetune.serving.models import Models
from finetune.serving.parameters import Wanted
from finetune.serving.refused import OVERLOADED, Refused
from finetune.serving.turns import RETRY_S, Turns, computed

LOOKS_S = 2.0
"""How often the folders of all runs are read to see whether one is training."""


class Engine:
    """Both models, and the queue before them."""

    def __init__(self, models: Models, workspace: Workspace, most_waiting: int):
        self.models = models
        self.turns = Turns(most_waiting)
        self.context_lost = threading.Event()
        """Set once this process has lost its CUDA context, so that it has to end."""
        self._workspace = workspace
        self._sharing = Sharing(self._is_training)
        self._trains, self._looked_at = False, float("-inf")

    @property
    def is_computing(self) -> bool:
        """True while one of the models computes."""
        return any(model.voice.lock.locked() for model in self.models)

    @asynccontextmanager
    async def answer(self, wanted: Wanted) -> AsyncIterator[tuple[int, AsyncIterator[Piece]]]:
        """The tokens of the prompt, and the answer as it grows; leaving the block ends it.

        ``Refused`` if the request cannot be answered, or if too many wait.
        """
        self.models.get(wanted.model)
        async with self.turns.place():
            prompt = await asyncio.to_thread(self.models.prompt, wanted)
            async with self.turns.turn(), aclosing(computed(partial(self._compute, wanted, prompt))) as found:
                yield len(prompt), found

    def _compute(self, wanted: Wanted, prompt: list[int], stop: threading.Event) -> Iterator[Piece]:
        """One answer, in the thread that computes it; beside a training it waits for time, as on the Compare tab."""
        voice = self.models.get(wanted.model).voice
        try:
            with self._sharing.turn(), voice.lock:
                yield from pieces(voice, prompt, wanted.sampling, wanted.most, stop)
        except (MemoryError, RuntimeError) as error:
            meant = explained(error)
            if meant is None:
                raise
            if is_context_lost(error):
                self.context_lost.set()
            else:
                release_memory()
            raise Refused(503, str(meant), None, "device_failed", OVERLOADED, RETRY_S) from error

    def _is_training(self) -> bool:
        now = time.monotonic()
        if now - self._looked_at > LOOKS_S:
            self._trains, self._looked_at = holder_of(self._workspace) is not None, now
        return self._trains

"""Whose turn it is: one answer at a time, first come, first served, and a bound on how many wait.

Models compute in a thread of their own, and what they give reaches the event loop piece by piece. An answer that nobody
waits for any more ends at the next token, and only then is it the next one's turn.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from finetune.serving.answer import Piece
from finetune.serving.refused import OVERLOADED, Refused

RETRY_S = 5
"""Seconds after which a client that was refused may try again."""


class Turns:
    """The queue of requests."""

    def __init__(self, most_waiting: int):
        self.most_waiting = most_waiting
        """Requests that may wait, beside the one that is answered."""
        self._inside = 0
        self._answering = asyncio.Lock()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place in the queue; ``Refused`` if there is none."""
        if self._inside > self.most_waiting:
            sentence = f"{self._inside - 1} requests are waiting already, and no more may. Try again in a few seconds."
            raise Refused(503, sentence, None, "queue_full", OVERLOADED, RETRY_S)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn of a request that has its place; they are served in the order in which they came."""
        async with self._answering:
            yield


async def computed(work: Callable[[threading.Event], Iterator[Piece]]) -> AsyncIterator[Piece]:
    """What ``work`` gives, computed in a thread; its errors are raised here.

    ``work`` is given an event that asks it to end. Closing this iterator sets it and waits until the thread has ended.
    """
    loop, found, stop = asyncio.get_running_loop(), asyncio.Queue(), threading.Event()

    def give(item: Any) -> None:
        with suppress(RuntimeError):  # the event loop has ended with the server
            loop.call_soon_threadsafe(found.put_nowait, item)

    def compute() -> None:
        try:
            for piece in work(stop):
                give(piece)
        except Exception as error:
            give(error)
        finally:
            give(None)

    threading.Thread(target=compute, name="answer", daemon=True).start()
    is_over = False
    try:
        while not is_over:
            item = await found.get()
            is_over = item is None
            if isinstance(item, Exception):
                raise item
            if not is_over:
                yield item
    finally:
        stop.set()
        while not is_over:
            is_over = await found.get() is None

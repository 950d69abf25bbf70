"""Connections that are limited: how many, how long one may be silent, and how long it may read nothing.

Uvicorn waits for ever for the head of a request, and for a client that reads nothing of its answer.
"""

import asyncio
import struct
from collections import Counter

from uvicorn.protocols.http.h11_impl import H11Protocol

from finetune.door.budget import Budget
from finetune.door.excess import Excess, Receive, Send, answer

CHECKS_S = 1.0
"""How often each connection is looked at."""

MOST_REFUSED = 100
"""Connections of one address that are too many and are told so; further ones are just closed."""
DELAY_S = 5.0
"""Who has too many connections is told so after this time: they come again as soon as they are answered."""


def limited(budget: Budget) -> type[asyncio.Protocol]:
    """The protocol for ``uvicorn.Config(http=...)``; all its connections share ``budget``."""
    most = min(budget.connections, _handles() // 2)

    class Limited(H11Protocol):
        """One connection."""

        _by_address: Counter[str] = Counter()

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._address = self.client[0] if self.client else ""
            self._by_address[self._address] += 1
            self._resting_since = self._moving_since = self.loop.time()
            self._unread = 0
            if len(self.connections) > most:
                transport.abort()
            elif (over := self._by_address[self._address] - budget.connections_each) > 0:
                self.app = refused
                if over > MOST_REFUSED:
                    transport.abort()
            self._check_later()

        def connection_lost(self, exc: Exception | None) -> None:
            self._checking.cancel()
            self._by_address[self._address] -= 1
            if not self._by_address[self._address]:
                del self._by_address[self._address]
            super().connection_lost(exc)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._moving_since = self.loop.time()

        def _check_later(self) -> None:
            self._checking = self.loop.call_later(CHECKS_S, self._check)

        def _check(self) -> None:
            now, unread = self.loop.time(), _unread(self.transport)
            if self.cycle is not None and not self.cycle.response_complete:
                self._resting_since = now
            if unread < self._unread or not unread:
                self._moving_since = now
            self._unread = unread
            is_silent = now - self._resting_since > budget.head_s and not unread
            if is_silent or now - self._moving_since > budget.stalled_s:
                self.transport.abort()
            else:
                self._check_later()

    return Limited


def _handles() -> int:
    """How many files and connections this process may have open."""
    try:
        import resource
    except ImportError:  # Windows
        return 2048
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft > 0 else 2048


def _unread(transport: asyncio.Transport) -> int:
    """Bytes of an answer that the other end has not taken yet: in this process, and in the system where it says so."""
    waiting = transport.get_write_buffer_size()
    try:
        from fcntl import ioctl
        from termios import TIOCOUTQ

        return waiting + struct.unpack("i", ioctl(transport.get_extra_info("socket").fileno(), TIOCOUTQ, bytes(4)))[0]
    except (ImportError, OSError):
        return waiting


async def refused(scope: dict, receive: Receive, send: Send) -> None:
    """The answer on a connection that is one too many from its address."""
    if scope["type"] == "http":
        await asyncio.sleep(DELAY_S)
        sentence = "Your address has too many connections open. Close some pages, then try again."
        await answer(Excess(429, sentence, 5), scope, receive, send, as_text=True)

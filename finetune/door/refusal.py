"""A request that is refused, and the answer that tells a person why."""

import asyncio
import json
from collections.abc import Awaitable, Callable

Receive = Callable[[], Awaitable[dict]]
Send = Callable[[dict], Awaitable[None]]

LINGER_S = 5.0
"""What is still being sent is read and dropped for this time: a connection closed at once takes the answer with it."""
LINGER_BYTES = 64 * 2**20


class Refusal(Exception):
    """A request is refused: the status, one sentence, and when to try again."""

    def __init__(self, status: int, sentence: str, retry_s: int = 0):
        super().__init__(sentence)
        self.status, self.sentence, self.retry_s = status, sentence, retry_s


async def answer(refusal: Refusal, receive: Receive, send: Send, as_text: bool = False) -> None:
    """Send ``refusal`` and end the connection.

    The page shows ``detail`` or ``error`` of a refused event, and the whole text of a refused upload (``as_text``).
    """
    text = refusal.sentence
    body = text if as_text else json.dumps({"detail": text, "error": text}, ensure_ascii=False)
    kind = "text/plain; charset=utf-8" if as_text else "application/json"
    content = body.encode()
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    if refusal.retry_s:
        headers.append((b"retry-after", str(refusal.retry_s).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": True})
    await _drop(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drop(receive: Receive) -> None:
    """Read the rest of the body and keep nothing."""
    dropped = 0
    try:
        async with asyncio.timeout(LINGER_S):
            while dropped < LINGER_BYTES:
                message = await receive()
                dropped += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return

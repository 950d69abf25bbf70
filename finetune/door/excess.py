"""A request that asks for too much, and the answer that tells a person so."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.responses import JSONResponse, PlainTextResponse, Response

from finetune.door.refusal import is_opened_by_a_person, refusal

Receive = Callable[[], Awaitable[dict]]
Send = Callable[[dict], Awaitable[None]]

LINGER_S = 5.0
"""What is still being sent is read and dropped for this time: a connection closed at once takes the answer with it."""
LINGER_BYTES = 64 * 2**20


class Excess(Exception):
    """A request asks for too much: the status, one sentence, and when to try again."""

    def __init__(self, status: int, sentence: str, retry_s: int = 0):
        super().__init__(sentence)
        self.status, self.sentence, self.retry_s = status, sentence, retry_s


async def answer(excess: Excess, scope: dict, receive: Receive, send: Send, as_text: bool = False) -> None:
    """Send the sentence of ``excess`` and end the connection.

    The page shows ``detail`` or ``error`` of a refused event, and the whole text of a refused upload (``as_text``).
    """
    sentence = excess.sentence
    if is_opened_by_a_person(scope):
        response = refusal(scope, excess.status, sentence)
    elif as_text:
        response = PlainTextResponse(sentence, excess.status)
    else:
        response = JSONResponse({"detail": sentence, "error": sentence}, excess.status)
    response.headers["Cache-Control"] = "no-store"
    if excess.retry_s:
        response.headers["Retry-After"] = str(excess.retry_s)
    await last(response, receive, send)


async def last(response: Response, receive: Receive, send: Send) -> None:
    """Send ``response`` as the last one of its connection; what is still being sent is read and dropped."""
    response.headers["Connection"] = "close"
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
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

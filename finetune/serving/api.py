"""The addresses of the server: ``/v1/models``, ``/v1/chat/completions``, ``/v1/completions`` and ``/health``."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from finetune.door.body import whole
from finetune.door.budget import Budget
from finetune.door.excess import Excess, Receive, Send, last
from finetune.door.headers import Headers
from finetune.door.hosts import Hosts
from finetune.serving.answer import Piece
from finetune.serving.engine import Engine
from finetune.serving.gate import HEALTH, Gate
from finetune.serving.key import Key
from finetune.serving.parameters import Kind, Wanted, wanted
from finetune.serving.refused import FAILED, OVERLOADED, Refused
from finetune.serving.turns import RETRY_S
from finetune.serving.wire import DONE, Wire, event

log = logging.getLogger(__name__)

STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
"""The headers of a stream; the last one has a proxy pass on each piece at once."""


class Api:
    """An ``engine`` behind its addresses."""

    def __init__(self, engine: Engine, budget: Budget):
        self.engine, self.budget = engine, budget
        self._arriving = 0
        """Bytes of requests that are being read."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    def app(self, hosts: Hosts, key: Key | None):
        """The ASGI app; without a ``key`` it is asked under the names of ``hosts`` alone."""
        routes = [
            Route(HEALTH, self.health),
            Route("/v1/models", self.list_models),
            Route("/v1/models/{name:path}", self.show_model),
            Route("/v1/chat/completions", Completions(self, "chat"), methods=["POST"]),
            Route("/v1/completions", Completions(self, "text"), methods=["POST"]),
        ]
        handlers = {Refused: _refused, HTTPException: _unknown, Exception: _failed}
        app = Starlette(routes=routes, exception_handlers=handlers, lifespan=self._living)
        return Headers(Gate(app, hosts, key, self.budget))

    def end(self) -> None:
        """End all answers, from another thread: who waits for one is told."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ending.set)

    async def ended(self) -> None:
        """Return once the server is ending."""
        await self._ending.wait()

    @asynccontextmanager
    async def _living(self, app: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        yield

    async def health(self, request: Request) -> Response:
        """That the server runs."""
        return JSONResponse({"status": "ok"})

    async def list_models(self, request: Request) -> Response:
        """Both models."""
        return JSONResponse({"object": "list", "data": [model.facts for model in self.engine.models]})

    async def show_model(self, request: Request) -> Response:
        """One model."""
        return JSONResponse(self.engine.models.get(request.path_params["name"]).facts)

    async def read(self, receive: Receive) -> bytes | None:
        """The body of a request; None if the client went away. ``Excess`` if it is too large or too slow."""
        held = 0

        def hold(amount: int) -> None:
            nonlocal held
            held += amount
            self._arriving += amount
            if self._arriving > self.budget.bodies_bytes:
                raise Excess(503, "Too many large requests are arriving. Try again in a few seconds.", RETRY_S)

        try:
            return await whole(receive, self.budget, hold)
        finally:
            self._arriving -= held


class Completions:
    """The ASGI app of one kind of answers."""

    def __init__(self, api: Api, kind: Kind):
        self.api, self.kind = api, kind

    async def __call__(self, scope: dict, receive: Receive, send: Send) -> None:
        """Read a request and answer it; a client that leaves ends its answer, and so does the end of the server."""
        try:
            body = await self.api.read(receive)
        except Excess as excess:
            kind = OVERLOADED if excess.status == 503 else "invalid_request_error"
            refused = Refused(excess.status, excess.sentence, kind=kind, retry_s=excess.retry_s)
            return await last(refused.response(), receive, send)
        if body is None:
            return None
        asked = await asyncio.to_thread(wanted, body, self.kind)
        sending = Sending(send)
        working, leaving, ending = (
            asyncio.ensure_future(each) for each in (self._answer(asked, sending), _gone(receive), self.api.ended())
        )
        try:
            await asyncio.wait({working, leaving, ending}, return_when=asyncio.FIRST_COMPLETED)
            is_cut, is_gone = not working.done(), leaving.done()
        finally:
            for each in (working, leaving, ending):
                each.cancel()
            await asyncio.wait({working})
        if not is_cut:
            working.result()
        elif not is_gone:
            await sending.refuse(Refused(503, "This server is ending.", None, "server_ending", OVERLOADED), asked)
        return None

    async def _answer(self, asked: Wanted, sending: "Sending") -> None:
        try:
            async with self.api.engine.answer(asked) as (prompt_tokens, found):
                wire = Wire(self.kind, asked.model, prompt_tokens)
                if asked.streams:
                    await sending.stream(wire, found, asked.tells_usage)
                else:
                    await sending.whole(wire, found)
        except Refused as refused:
            await sending.refuse(refused, asked)
        except Exception:
            if not sending.has_begun:
                raise
            log.exception("An answer failed after it had begun.")
            await sending.refuse(_bug(), asked)


class Sending:
    """One answer on its way to the client."""

    def __init__(self, send: Send):
        self._send = send
        self.has_begun = False

    async def stream(self, wire: Wire, found: AsyncIterator[Piece], tells_usage: bool) -> None:
        """Send each piece once it is there."""
        async for piece in found:
            first = [] if self.has_begun else wire.first()
            counts = [wire.counted(piece)] if piece.finish and tells_usage else []
            content = b"".join(map(event, (*first, *wire.chunks(piece), *counts)))
            if not self.has_begun:
                await self._begin(200, STREAM)
            await self._body(content, more=True)
        await self._body(DONE, more=False)

    async def whole(self, wire: Wire, found: AsyncIterator[Piece]) -> None:
        """Send all of it at the end."""
        given = [piece async for piece in found]
        response = JSONResponse(wire.whole("".join(piece.text for piece in given), given[-1]))
        response.headers["Cache-Control"] = "no-store"
        await self._begin(200, response.raw_headers)
        await self._body(response.body, more=False)

    async def refuse(self, refused: Refused, asked: Wanted) -> None:
        """Send an error: as the answer, or as the last event of a stream that has begun."""
        if not self.has_begun:
            response = refused.response()
            await self._begin(refused.status, response.raw_headers)
            await self._body(response.body, more=False)
        elif asked.streams:
            await self._body(event(refused.facts), more=False)

    async def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.has_begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, content: bytes, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": more})


async def _gone(receive: Receive) -> None:
    """Return once the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _bug() -> Refused:
    return Refused(500, "This server has an error of its own, which it has logged.", None, "bug", FAILED)


def _refused(request: Request, refused: Refused) -> Response:
    return refused.response()


def _unknown(request: Request, error: HTTPException) -> Response:
    path = request.url.path[:100]
    if error.status_code == 405:
        return Refused(405, f"{path} does not take {request.method}.", code="wrong_method").response()
    sentence = f"There is no {path} here, only /v1/models, /v1/chat/completions, /v1/completions and {HEALTH}."
    return Refused(error.status_code, sentence, code="unknown_url").response()


def _failed(request: Request, error: Exception) -> Response:
    return _bug().response()

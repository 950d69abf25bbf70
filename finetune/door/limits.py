"""No visitor can take the server from the others: sizes, amounts and times of all requests are limited.

It stands before Gradio, which reads whatever comes: a request that is refused costs almost nothing. A limit of one
visitor answers 413 or 429 and one of all together 503, each with a sentence that the page shows.
"""

import asyncio
import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from finetune.door.activity import Activities, Activity, Bucket
from finetune.door.body import Upload, boundary_of, length_of, too_large, whole
from finetune.door.budget import Budget
from finetune.door.excess import Excess, Receive, Send, answer
from finetune.door.parts import none_left
from finetune.door.visitor import visitor_of

App = Callable[[dict, Receive, Send], Awaitable[None]]

API = "/gradio_api"
PAGES = ("/", "/vote", "/config", f"{API}/info", f"{API}/openapi.json")
"""Addresses whose answer is made anew from the whole page."""
STREAMS = tuple(f"{API}/{each}" for each in ("queue/data", "heartbeat/", "upload_progress", "call/", "stream/"))
"""What is answered bit by bit for as long as the visitor stays."""

BUSY = "Too many people use this page at the moment. Try again in a few seconds."
FULL = {
    "upload": "Several of your uploads are arriving already. Wait for one of them, then try again.",
    "stream": "You have too many pages and downloads open. Close some of them, then try again.",
    "join": "Several of your tasks are waiting already. Wait for one of them, then try again.",
}
"""What a visitor is told who has enough of a kind at a time."""


def kind_of(scope: dict) -> str:
    """What a request asks for: ``upload``, ``stream``, ``join`` (the queue), ``page`` or ``other``."""
    path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
    if path == f"{API}/upload" and scope["method"] == "POST":
        return "upload"
    if scope["method"] == "POST" and path.startswith((f"{API}/queue/join", f"{API}/call/")):
        return "join"
    if path.startswith((*STREAMS, "/download/")) and scope["method"] == "GET":
        return "stream"
    return "page" if (path.rstrip("/") or "/") in PAGES else "other"


def key_of(scope: dict) -> str:
    """Who asks: whom the door recognized, else an address."""
    return visitor_of(scope).key or (scope.get("client") or ("",))[0]


@dataclass
class Request:
    """A request at the door."""

    kind: str
    key: str
    visitor: Activity
    length: int | None
    """Bytes of its body; None if it does not say."""


def nobody(key: str) -> tuple[int, int]:
    """The tasks in a queue that is empty."""
    return 0, 0


class Limits:
    """The ASGI app ``app`` within ``budget``; ``joined`` counts a visitor's tasks in the page's queue, and all."""

    def __init__(self, app: App, budget: Budget | None = None, joined: Callable[[str], tuple[int, int]] = nobody):
        self._app, self._joined = app, joined
        self._budget = budget or Budget.local()
        self._turns = asyncio.Semaphore(self._budget.at_work)
        self._flow = Bucket(self._budget.flow_bytes_per_s, self._budget.flow_bytes_per_s)
        self._refusals = Bucket(30, 10)
        """Refusals of all visitors are answered ten times a second, beyond the first few."""
        self.visitors = Activities(self._budget)
        self.now: Counter[str] = Counter()
        """What is going on in all, by kind; the bytes that are arriving as ``bodies`` and ``bytes``."""

    async def __call__(self, scope: dict, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        kind, key = kind_of(scope), key_of(scope)
        try:
            request = Request(kind, key, self.visitors.seen(key), length_of(scope["headers"]))
            self._pace(request)
            if kind == "upload":
                await self._upload(request, scope, receive, send)
            else:
                await self._ask(request, scope, receive, send)
        except Excess as excess:
            await asyncio.sleep(self._delay_s(key))
            await answer(excess, scope, receive, send, as_text=kind in ("upload", "page"))

    def _delay_s(self, key: str) -> float:
        """When a refusal is answered: who asks again and again is answered ever later, so that it costs little."""
        buckets = (self.visitors.seen(key).refusals, self._refusals)
        wait_s = max(each.wait_s() for each in buckets)
        for each in buckets:
            each.take(in_advance=True)
        return min(wait_s, self._budget.delay_s)

    def _pace(self, request: Request) -> None:
        """Refuse who asks too often."""
        visitor = request.visitor
        buckets = [visitor.requests, *([visitor.pages] if request.kind == "page" else [])]
        for bucket in buckets:
            if not bucket.take():
                raise Excess(429, "Too many requests from your address. Wait a little.", math.ceil(bucket.wait_s()))

    async def _upload(self, request: Request, scope: dict, receive: Receive, send: Send) -> None:
        self._require_room(request)
        with ExitStack() as stack:
            stack.enter_context(self._counted(request, "upload", self._budget.uploads_each, self._budget.uploads))
            holds = stack.enter_context(self._arriving("bytes"))

            def count(amount: int) -> None:
                if not request.visitor.bytes.take(amount):
                    raise self._spent(request)
                holds(amount, self._budget.arriving_bytes)
                self._flow.take(amount, in_advance=True)

            upload = Upload(receive, self._budget, boundary_of(scope["headers"]), count, self._flow.wait_s)
            stack.enter_context(none_left())
            began = False

            async def passed_on(message: dict) -> None:
                nonlocal began
                if not upload.excess:
                    began = True
                    await send(message)

            try:
                await self._app(scope, upload.receive, passed_on)
            except Exception:
                if not upload.excess and not upload.is_cut_off:
                    raise
            if upload.excess and not began:
                raise upload.excess

    def _require_room(self, request: Request) -> None:
        """Refuse an upload before a byte of it is read, if what it announces is too much."""
        length, budget = request.length or 0, self._budget
        if length > budget.upload_bytes:
            raise too_large(budget)
        if length > request.visitor.bytes.level():
            raise self._spent(request)
        if shutil.disk_usage(tempfile.gettempdir()).free < length + budget.spare_bytes:
            raise Excess(503, "The disk of this server is almost full. Ask its owner to make room.", 60)

    def _spent(self, request: Request) -> Excess:
        sentence = f"You have uploaded {self._budget.hour_bytes // 2**20} MB within an hour. Go on a little later."
        return Excess(429, sentence, math.ceil(request.visitor.bytes.wait_s(request.length or 0)) or 60)

    async def _ask(self, request: Request, scope: dict, receive: Receive, send: Send) -> None:
        budget, kind = self._budget, request.kind
        if (request.length or 0) > budget.body_bytes:
            raise Excess(413, f"This request is larger than {budget.body_bytes // 2**20} MB.")
        with ExitStack() as stack:
            if request.length != 0:
                holds = stack.enter_context(self._arriving("bodies"))
                content = await whole(receive, budget, lambda amount: holds(amount, budget.bodies_bytes))
                if content is None:
                    return
                receive = replayed(content, receive)
            stack.enter_context(none_left())
            if kind == "stream":
                stack.enter_context(self._counted(request, kind, budget.streams_each, budget.streams))
                return await self._app(scope, receive, send)
            if kind == "join":
                waiting, in_all = self._joined(request.key)
                if in_all >= budget.joins:
                    raise Excess(503, BUSY, 5)
                stack.enter_context(self._counted(request, kind, budget.joins_each - waiting, budget.connections))
            await self._work(request, scope, receive, send)

    async def _work(self, request: Request, scope: dict, receive: Receive, send: Send) -> None:
        """Have the app work on a request when it is its turn; the turn ends when the answer begins."""
        turns = (request.visitor.turns, self._turns)
        with ExitStack() as taken:
            try:
                async with asyncio.timeout(self._budget.waits_s):
                    for each in turns:
                        await each.acquire()
                        taken.callback(each.release)
            except TimeoutError:
                raise Excess(503, BUSY, 5) from None

            async def passed_on(message: dict) -> None:
                taken.close()
                await send(message)

            await self._app(scope, receive, passed_on)

    @contextmanager
    def _counted(self, request: Request, kind: str, each: int, total: int) -> Iterator[None]:
        """Inside, there is one more of ``kind``; ``Excess`` if that is one too many."""
        if request.visitor.now[kind] >= each:
            raise Excess(429, FULL[kind], 5)
        if self.now[kind] >= total:
            raise Excess(503, BUSY, 5)
        for counts in (request.visitor.now, self.now):
            counts[kind] += 1
        try:
            yield
        finally:
            for counts in (request.visitor.now, self.now):
                counts[kind] -= 1

    @contextmanager
    def _arriving(self, kind: str) -> Iterator[Callable[[int, int], None]]:
        """A function that counts bytes that are arriving, up to a most in all; they are let go at the end."""
        held = 0

        def hold(amount: int, most: int) -> None:
            nonlocal held
            held += amount
            self.now[kind] += amount
            if self.now[kind] > most:
                raise Excess(503, BUSY, 5)

        try:
            yield hold
        finally:
            self.now[kind] -= held


def replayed(content: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the whole ``content`` first, and then what ``receive`` gives."""
    left = [{"type": "http.request", "body": content, "more_body": False}]

    async def first() -> dict:
        return left.pop() if left else await receive()

    return first

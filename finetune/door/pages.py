"""Pages that are made once and then sent to everyone: Gradio would copy the whole page for each visitor who opens it.

A page holds nothing of a visitor: what it shows comes by events, after it was loaded.
"""

import asyncio
import gzip
from collections import OrderedDict
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders

from finetune.door.excess import Receive, Send

PAGES = ("/", "/vote", "/config", "/config/", "/vote/config", "/gradio_api/info", "/gradio_api/info/")
OPENED = ("/", "/vote")
"""Those whose query is for the scripts of the page alone."""
MOST = 32
"""Pages that are kept; they differ by the name under which the server was asked."""
DECIDES = ("host", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-prefix")
"""Headers that decide which address a page has for itself."""


@dataclass(frozen=True)
class Page:
    """A page, ready to send."""

    headers: list[tuple[bytes, bytes]]
    plain: bytes
    packed: bytes


class Pages:
    """The middleware."""

    def __init__(self, app):
        self.app = app
        self._made: OrderedDict[tuple, Page] = OrderedDict()
        self._making = asyncio.Lock()

    async def __call__(self, scope: dict, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or scope["path"] not in PAGES:
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        query = b"" if scope["path"] in OPENED else scope["query_string"]
        key = (scope["path"], query, scope.get("scheme"), *(headers.get(each) for each in DECIDES))
        if key not in self._made:
            async with self._making:
                if key not in self._made and not await self._make(key, {**scope, "query_string": query}, send):
                    return None
        self._made.move_to_end(key)
        await _send(self._made[key], scope["method"], "gzip" in headers.get("accept-encoding", ""), send)

    async def _make(self, key: tuple, scope: dict, send: Send) -> bool:
        """True if the page is made; else the app's answer was sent, which is no page."""
        sent: list[dict] = []

        async def kept(message: dict) -> None:
            sent.append(message)

        async def nothing() -> dict:
            return {"type": "http.request", "body": b"", "more_body": False}

        asked = [pair for pair in scope["headers"] if pair[0] not in (b"accept-encoding", b"cookie")]
        await self.app({**scope, "method": "GET", "headers": asked, "extensions": {}}, nothing, kept)
        if not sent or sent[0]["status"] != 200:
            for message in sent:
                await send(message)
            return False
        content = b"".join(each.get("body", b"") for each in sent[1:])
        packed = await asyncio.to_thread(gzip.compress, content, 6)
        left = [pair for pair in sent[0]["headers"] if pair[0].lower() not in (b"content-length", b"set-cookie")]
        self._made[key] = Page(left, content, packed)
        while len(self._made) > MOST:
            self._made.popitem(last=False)
        return True


async def _send(page: Page, method: str, is_packed: bool, send: Send) -> None:
    content = page.packed if is_packed else page.plain
    start = {"type": "http.response.start", "status": 200, "headers": [*page.headers]}
    headers = MutableHeaders(scope=start)
    headers["Content-Length"] = str(len(content))
    headers.add_vary_header("Accept-Encoding")
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    await send(start)
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else content, "more_body": False})

"""Middleware: a session of the page belongs to the visitor who opened it.

The page draws the name of its session by chance and sends it with every event. What a session holds (a conversation,
the chosen data) is sent to whoever names it, so the first visitor to name it has it, and nobody else. A guest calls the
functions of the blind test alone.
"""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers, QueryParams

from finetune.door.limits import replayed
from finetune.door.refusal import refusal
from finetune.door.visitor import Visitor, visitor_of

MOST = 20_000
"""Sessions that are remembered; the page names one at least every few seconds, so old ones are forgotten first."""
HEARTBEAT = re.compile(r"/gradio_api/heartbeat/([^/]+)")
CALLED = re.compile(r"/gradio_api/(?:run|api|call|call/v2)/([^/]+)(?:/[^/]*)?")


class OwnSessions:
    """The middleware. ``is_for_guests`` tells of a function, by its number or its name, whether guests may call it."""

    def __init__(self, app, is_for_guests: Callable[[int | str], bool], most: int = MOST):
        self.app, self._is_for_guests, self._most = app, is_for_guests, most
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    async def __call__(self, scope, receive, send) -> None:
        visitor = visitor_of(scope)
        if scope["type"] != "http" or not scope["path"].startswith("/gradio_api/"):
            return await self.app(scope, receive, send)
        named = QueryParams(scope["query_string"].decode("latin-1")).get("session_hash")
        if found := HEARTBEAT.fullmatch(scope["path"]):
            named = found[1]
        told = {}
        if scope["method"] == "POST" and not Headers(scope=scope).get("content-type", "").startswith("multipart/"):
            body, receive = await whole(receive)
            told = _told(body)
            named = told.get("session_hash") or named
        if visitor.role == "guest" and not self._may_be_called(scope["path"], told):
            return await refusal(scope, 403, "This is not open to you.", "Sign in first.")(scope, receive, send)
        if named is not None and not self._claim(str(named), visitor):
            return await refusal(scope, 403, "This page belongs to someone else.", "Reload it.")(scope, receive, send)
        return await self.app(scope, receive, send)

    def _claim(self, session: str, visitor: Visitor) -> bool:
        with self._lock:
            own = visitor.key if visitor.name or visitor.role == "guest" else ""  # without sign-ins all are the same
            owner = self._owners.setdefault(session, own)
            self._owners.move_to_end(session)
            while len(self._owners) > self._most:
                self._owners.popitem(last=False)
            return owner == own

    def _may_be_called(self, path: str, told: dict) -> bool:
        """True unless the request calls a function that is not for guests."""
        called = [told["fn_index"]] if told.get("fn_index") is not None else []
        if (found := CALLED.fullmatch(path)) and found[1] != "predict":
            called.append(found[1])
        calls = path.startswith("/gradio_api/queue/join") or bool(CALLED.fullmatch(path))
        return not calls or (bool(called) and all(self._is_for_guests(each) for each in called))


def _told(body: bytes) -> dict:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


async def whole(receive):
    """The body of a request, and a ``receive`` that gives it once more; the limits on its size were checked before."""
    content, more = b"", True
    while more:
        message = await receive()
        content, more = content + message.get("body", b""), message.get("more_body", False)
    return content, replayed(content, receive)

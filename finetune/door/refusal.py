"""What a refused request is told: a page for a person who opens an address, JSON for a program and for the page."""

from html import escape

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response

from finetune.paths import ASSETS

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'"
"""A Content-Security-Policy for pages that load nothing."""


def refusal(scope: dict, status: int, sentence: str, hint: str = "") -> Response:
    """The answer to a request that is refused: a sentence and what to do, never a redirect."""
    if is_opened_by_a_person(scope):
        return html_page(sentence, f"<p>{escape(hint)}</p>" if hint else "", status)
    words = f"{sentence} {hint}".strip()
    return JSONResponse({"detail": words, "error": words}, status, headers={"Cache-Control": "no-store"})


def is_opened_by_a_person(scope: dict) -> bool:
    """True if a browser shows the answer as a page."""
    headers = Headers(scope=scope)
    if scope["method"] != "GET" or headers.get("sec-fetch-mode", "navigate") != "navigate":
        return False
    return "text/html" in headers.get("accept", "")


def html_page(title: str, body: str, status: int = 200, policy: str = PAGE_POLICY) -> HTMLResponse:
    """A page of its own, without scripts; ``body`` is HTML, ``title`` is text."""
    style = (ASSETS / "door.css").read_text(encoding="utf-8")
    words = escape(title)
    content = (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{words} · Finetune Studio</title><style>{style}</style>"
        f"<main><p class='name'>Finetune Studio</p><h1>{words}</h1>{body}</main></html>"
    )
    return HTMLResponse(content, status, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


async def refuse_other_protocols(scope: dict, receive, send) -> bool:
    """Close what is no HTTP request (a WebSocket), which nothing here uses; True if it was closed."""
    if scope["type"] != "websocket":
        return False
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": "There are no WebSockets here."})
    return True

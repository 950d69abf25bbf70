"""The addresses that are offered. Gradio has many more (files, proxies, recordings, an editor of its source), which the
page does not use: what is not on this list is not found, also if a later version of Gradio adds it.
"""

import re

from starlette.datastructures import QueryParams

from finetune.door.refusal import refusal

ASSETS = ("GET /assets/.+", "GET /static/.+", "GET /svelte/.+", "GET /theme.css", "GET /gradio_api/theme.css")
"""Files of the page itself, the same for everyone."""
KNOWN = ("GET /favicon.ico", "GET /robots.txt", "GET /manifest.json", "GET /gradio_api/startup-events")
BY_SECRET = ("GET /report/[^/]+",)
"""Pages whose address holds a secret, which is checked where they are served."""
PAGES = ("GET /", "GET /vote/?", "GET /download/[^/]+/[^/]+")
SIGN_IN = ("GET /login", "POST /login", "POST /logout", "GET /oauth/huggingface/(login|callback)")
EVENTS = (
    "GET /config/?",
    "GET /vote/config/?",
    "GET /gradio_api/info/?",
    "GET /gradio_api/app_id/?",
    "POST /gradio_api/queue/join",
    "GET /gradio_api/queue/data",
    "GET /gradio_api/heartbeat/[^/]+",
    "POST /gradio_api/cancel",
    "POST /gradio_api/reset/?",
    "POST /gradio_api/(run|api|call|call/v2)/[^/]+/?",
    "GET /gradio_api/call/[^/]+/[^/]+",
    "GET /gradio_api/queue/status",
)
"""What the page and programs send: events and their results."""
UPLOADS = ("POST /gradio_api/upload", "GET /gradio_api/upload_progress")


def _any_of(*patterns: str) -> re.Pattern:
    return re.compile("|".join(f"(?:{each})" for each in patterns))


PUBLIC = _any_of(*ASSETS, *KNOWN, *BY_SECRET, *SIGN_IN)
"""What needs no sign-in."""
OF_GUESTS = _any_of("GET /vote/?", *EVENTS[1:])
"""What the page of a blind test needs, which its link opens without a sign-in."""
OFFERED = _any_of(*ASSETS, *KNOWN, *BY_SECRET, *PAGES, *SIGN_IN, *EVENTS, *UPLOADS)


def line_of(scope: dict) -> str:
    """Method and path of a request, HEAD as GET."""
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return f"{method} {scope['path']}"


def is_public(scope: dict) -> bool:
    """True if the address is answered to everyone."""
    return bool(PUBLIC.fullmatch(line_of(scope)))


def is_of_guests(scope: dict) -> bool:
    """True if the address belongs to the page of a blind test; which of its functions is called is checked later."""
    return bool(OF_GUESTS.fullmatch(line_of(scope)))


def own_address(address: str | None) -> str:
    """``address`` if it is one of this server's, as a path; else the page."""
    is_own = address and address.startswith("/") and not address.startswith("//") and address.isprintable()
    return address if is_own and "\\" not in address else "/"


def leads_here(scope: dict) -> bool:
    """True unless the request asks to be sent on to another site after a sign-in."""
    if not scope["path"].startswith("/oauth/"):
        return True
    targets = QueryParams(scope["query_string"].decode("latin-1")).getlist("_target_url")
    return all(own_address(target) == target for target in targets)


class Offered:
    """Middleware: answers 404 to every address that is not offered."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "http" and not (OFFERED.fullmatch(line_of(scope)) and leads_here(scope)):
            return await refusal(scope, 404, "There is nothing at this address.")(scope, receive, send)
        return await self.app(scope, receive, send)

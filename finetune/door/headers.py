"""The headers of every answer: what a page may do, who may frame it, and nothing that a visitor sent.

A page runs the scripts that it was served with, known by their hashes, and those of this address. So a script in data,
a model's answer or a name does not run, wherever it is shown.
"""

import base64
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from html.parser import HTMLParser
from urllib.parse import urlsplit

HUB = "https://huggingface.co"
SPACES = "https://*.hf.space"

ALWAYS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",  # without any, a form of this page would come from nowhere (Origin: null)
    b"permissions-policy": b", ".join(
        b"%s=()" % each
        for each in b"camera microphone geolocation payment usb serial hid bluetooth midi display-capture".split()
    ),
    b"cross-origin-opener-policy": b"same-origin-allow-popups",
    b"cross-origin-resource-policy": b"same-origin",
}
"""What every answer says, unless it says something of its own. The opener policy does not concern a framed page."""

PAGE = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "font-src 'self' data:; style-src 'self' 'unsafe-inline'; manifest-src 'self'; object-src 'none'; base-uri 'self'"
)
"""What a page may load. Gradio writes its styles into the page; it sets no others."""

ELSE = "default-src 'none'; base-uri 'none'; sandbox"
"""What an answer may do that is no page, should a browser show it as one."""

EQUAL_BY_CHANCE = {b"cache-control", b"connection", b"content-length", b"content-type", b"vary"}
"""Headers that a request and its answer may both have."""

PAGES_NOT_UNDER = "/gradio_api/"
"""Addresses of data, among them files of visitors: no script there is known to be a page's own."""


class Headers:
    """Puts the headers on every answer of ``app``.

    ``head`` is what the pages insert into their head by themselves: its scripts run as well. On a Space the Hub frames
    the page, and ``sign_in`` is the address that visitors are sent to; elsewhere only this address may frame it.
    """

    def __init__(self, app, head: str = "", on_space: bool = False, sign_in: str = ""):
        self.app = app
        self.head = head
        self.leads_to = tuple(f"{each.rstrip('/')}/" for each in (HUB, sign_in) if on_space and each)
        hub = f" {HUB}" if on_space else ""
        self.around = f"form-action 'self'{hub}; frame-ancestors 'self'{hub}{f' {SPACES}' if on_space else ''}"

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        await self.app(_without_range(scope), receive, Answer(self, scope, send))

    def policy(self, scripts: Iterable[str] | None) -> bytes:
        """The policy of a page with these hashes of ``scripts``; of anything else with ``None``."""
        if scripts is None:
            return f"{ELSE}; {self.around}".encode()
        # Gradio makes functions of texts: those of events with js=, and of components with js_on_load.
        allowed = " ".join(["'self'", "'unsafe-eval'", *(f"'sha256-{each}'" for each in scripts)])
        return f"{PAGE}; script-src {allowed}; {self.around}".encode()


class Answer:
    """Passes on one answer with its headers; of a page once it is there as a whole, for its scripts are in it."""

    def __init__(self, headers: Headers, scope, send):
        self.headers, self.scope, self.send = headers, scope, send
        self.start: dict | None = None
        self.body: list[bytes] = []

    async def __call__(self, message: dict) -> None:
        """Pass on one message."""
        if message["type"] == "http.response.start":
            if self._is_page(message):
                self.start = message
                return
            message = self._with_headers(message, None)
        elif message["type"] == "http.response.body" and self.start:
            self.body.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(self.body)
            hashes = dict.fromkeys((*_hashes(body), *_hashes(self.headers.head.encode())))
            await self.send(self._with_headers(self.start, hashes))
            self.start, self.body = None, []
            message = {**message, "body": body}
        await self.send(message)

    def _is_page(self, message: dict) -> bool:
        found = {name.lower(): value for name, value in message.get("headers", ())}
        is_html = found.get(b"content-type", b"").lower().startswith(b"text/html")
        brings_its_own = b"content-security-policy" in found or b"content-encoding" in found
        is_a_file = PAGES_NOT_UNDER in self.scope["path"] or b"content-disposition" in found
        return is_html and not brings_its_own and not is_a_file

    def _with_headers(self, message: dict, scripts: Iterable[str] | None) -> dict:
        asked = {(name.lower(), value) for name, value in self.scope["headers"] if name.lower() not in EQUAL_BY_CHANCE}
        given = [(name.lower(), value) for name, value in message.get("headers", ())]
        kept = [each for each in given if each not in asked and each[0] not in (b"server", b"location")]
        there = {name for name, _ in kept}
        targets = [self._target(value.decode("latin-1")) for name, value in given if name == b"location"]
        kept += [(b"location", each.encode("latin-1")) for each in targets if each]
        added = {**ALWAYS, b"content-security-policy": self.headers.policy(scripts)}
        return {**message, "headers": [*kept, *(each for each in added.items() if each[0] not in there)]}

    def _target(self, location: str) -> str | None:
        """Where an answer may send its visitor: an address of ours, without a host, or the Hub's; ``None`` if foreign.

        Read as a browser reads it: without control characters, and with a backslash for a slash.
        """
        read = "".join(each for each in location if each > " ").replace("\\", "/")
        try:
            parts = urlsplit(read)
        except ValueError:
            return None
        if not parts.scheme and not read.startswith("//"):
            return location
        if read.startswith(self.headers.leads_to):
            return location
        hosts = [value.decode("latin-1") for name, value in self.scope["headers"] if name.lower() == b"host"]
        if parts.scheme not in ("http", "https") or [parts.netloc] != hosts:
            return None
        return "/" + parts._replace(scheme="", netloc="").geturl().lstrip("/")


def _without_range(scope: dict) -> dict:
    """A request for a file as a whole: to a range Gradio answers with the headers that it was asked with."""
    if "/file" not in scope["path"]:
        return scope
    return {**scope, "headers": [each for each in scope["headers"] if each[0].lower() not in (b"range", b"if-range")]}


@lru_cache(maxsize=8)
def _hashes(page: bytes) -> tuple[str, ...]:
    """The hashes of the scripts that stand in ``page``, as a policy names them."""
    found = _Scripts()
    found.feed(page.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n"))
    return tuple(base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in found.texts)


class _Scripts(HTMLParser):
    """Collects the texts of the scripts of a page that name no address."""

    def __init__(self):
        super().__init__()
        self.texts: list[str] = []
        self._is_open = False

    def handle_starttag(self, tag, attrs):
        self._is_open = tag == "script" and "src" not in dict(attrs)
        if self._is_open:
            self.texts.append("")

    def handle_endtag(self, tag):
        self._is_open = False

    def handle_data(self, data):
        if self._is_open:
            self.texts[-1] += data

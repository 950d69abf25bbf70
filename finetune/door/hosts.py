"""The names this server answers to, and the web pages that may send it requests.

A page of a foreign site can make a browser send requests to this machine, and a foreign name can be made to resolve to
it (DNS rebinding). The first is known by ``Origin`` and ``Sec-Fetch-Site``, the second by ``Host``; browsers do not let
a page change any of the three.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from finetune.door.refusal import refusal, refuse_other_protocols

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
ANYWHERE = frozenset({"0.0.0.0", "::", ""})
"""Addresses to listen on that stand for all addresses of the machine."""
READS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Hosts:
    """The names that a request may ask for."""

    names: frozenset[str]
    """In lower case, without a port."""
    any_address: bool = False
    """True if every numeric address is one of this server's, as where it listens on all of them: a foreign name is
    still refused, and only a name can be made to resolve elsewhere."""

    @classmethod
    def of(cls, listened: str, also: tuple[str, ...] = ()) -> "Hosts":
        """Of a server that listens on ``listened``, and is reached under the names ``also``."""
        own = frozenset() if listened in ANYWHERE else frozenset({listened.strip("[]").lower()})
        return cls(LOOPBACK | own | {name.strip("[]").lower() for name in also if name}, listened in ANYWHERE)

    def has(self, host: str | None) -> bool:
        """True if ``host``, as in the header of a request, is this server's."""
        name = name_of(host)
        return name is not None and (name in self.names or (self.any_address and is_address(name)))


def name_of(host: str | None) -> str | None:
    """The name in ``host`` (``name``, ``name:port`` or ``[address]:port``), in lower case; None if it is malformed."""
    if not host or any(c in host for c in "/\\@?# \t,"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname if parts.port is not None or not host.endswith(":") else None
    except ValueError:
        return None


def is_address(name: str) -> bool:
    """True if ``name`` is a numeric address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """True if only this machine reaches a server that listens on ``host``."""
    name = host.strip("[]").lower()
    return name == "localhost" or (is_address(name) and ipaddress.ip_address(name).is_loopback)


class OwnHosts:
    """Middleware: refuses requests to foreign names, and requests that a page of another site sends."""

    def __init__(self, app, hosts: Hosts):
        self.app, self.hosts = app, hosts

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if await refuse_other_protocols(scope, receive, send):
            return None
        refused = self.refused(scope)
        return await (refused or self.app)(scope, receive, send)

    def refused(self, scope: dict):
        """The refusal of a request, or None if it may pass."""
        asked = Headers(scope=scope).getlist("host")
        if len(asked) != 1 or not self.hosts.has(asked[0]):
            named = asked[0][:100] if len(asked) == 1 else ""
            name = name_of(named)
            hint = f"If it is yours, start Finetune Studio with --allow-host {name}." if name else ""
            return refusal(scope, 400, f"Finetune Studio is not at the address {named!r}.", hint)
        forwarded = Headers(scope=scope).getlist("x-forwarded-host")  # a page would take it for its own address
        if not all(self.hosts.has(each) for each in forwarded):
            return refusal(
                scope, 400, "This request was forwarded for another server.", "Check the proxy before this one."
            )
        if comes_from_elsewhere(scope, asked[0]):
            return refusal(scope, 403, "This request came from another web page.", "Use the page of Finetune Studio.")
        return None


def comes_from_elsewhere(scope: dict, host: str) -> bool:
    """True if a page of another site, or of another port of this machine, sends the request.

    Following a link from elsewhere is no such request. Programs send neither header, and are no browser that someone
    else could make send requests in a person's name.
    """
    headers = Headers(scope=scope)
    origins = headers.getlist("origin")
    if any(not is_same_place(origin, host) for origin in origins):
        return True
    site = headers.get("sec-fetch-site", "none")
    follows_a_link = scope["method"] in READS and headers.get("sec-fetch-mode") == "navigate"
    return site not in ("same-origin", "none") and not follows_a_link


def is_same_place(origin: str, host: str) -> bool:
    """True if a page of ``origin`` was served by ``host``: same name, same port.

    The scheme is not compared: before a server with a certificate stands a proxy, which speaks plain HTTP to this one.
    """
    try:
        parts, own = urlsplit(origin), urlsplit(f"//{host}")
        default = {"http": 80, "https": 443}[parts.scheme]
        same_port = (parts.port or default) == own.port or (own.port is None and (parts.port or default) == default)
    except (KeyError, ValueError):
        return False
    return parts.hostname == own.hostname and same_port and not (parts.path or parts.query or parts.username)

"""Middleware: puts the visitor of each request into its scope, or refuses the request of someone unknown."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse

from finetune.door import huggingface
from finetune.door.cookies import Cookies
from finetune.door.members import Members
from finetune.door.paths import is_of_guests, is_public, line_of
from finetune.door.refusal import is_opened_by_a_person, refusal
from finetune.door.visitor import Visitor

SIGNED_IN, INVITED = "sign_in", "guest"
"""What the cookies are for."""


@dataclass(frozen=True)
class Recognizer:
    """Tells who sends a request."""

    members: Members
    cookies: Cookies
    is_behind_proxy: bool = False
    """True on a Space: the address of a visitor is then the last one that ``X-Forwarded-For`` names."""
    opens_vote: Callable[[str], bool] = field(default=lambda key: False)
    """Whether the secret in the address of a blind test is valid."""

    def address(self, scope: dict) -> str:
        """Where the request comes from."""
        forwarded = Headers(scope=scope).get("x-forwarded-for", "") if self.is_behind_proxy else ""
        return forwarded.split(",")[-1].strip() or (scope.get("client") or ("",))[0]

    def visitor(self, scope: dict) -> Visitor | None:
        """The visitor; None if they have to sign in first."""
        address = self.address(scope)
        if not self.members.must_sign_in:
            return Visitor(address)
        name, groups = self._signed_in(scope)
        role = self.members.role(name, groups) if name else None
        if name and role:
            return Visitor(name, name, role, self.members.owners)
        if is_of_guests(scope) and (self.is_invited(scope) or self._was_invited(scope)):
            return Visitor(f"guest at {address}", None, "guest")
        return None

    def is_invited(self, scope: dict) -> bool:
        """True if the request opens a blind test by its link."""
        if not line_of(scope).startswith("GET /vote"):
            return False
        return self.opens_vote(QueryParams(scope["query_string"].decode("latin-1")).get("key", ""))

    def _was_invited(self, scope: dict) -> bool:
        return self.cookies.read(INVITED, cookies_of(scope)) == INVITED

    def _signed_in(self, scope: dict) -> tuple[str | None, frozenset[str]]:
        if self.members.way == "huggingface":
            return huggingface.person(scope)
        match self.cookies.read(SIGNED_IN, cookies_of(scope)):
            case [str(name), stamp] if stamp == self.members.stamp(name):
                return name, frozenset()
        return None, frozenset()


class Identity:
    """The middleware: later ones, and the page, ask ``visitor_of(scope)``."""

    def __init__(self, app, recognizer: Recognizer):
        self.app, self.recognizer = app, recognizer

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        visitor = self.recognizer.visitor(scope)
        if visitor is None:
            if not is_public(scope):
                return await self._sign_in_first(scope)(scope, receive, send)
            visitor = Visitor(self.recognizer.address(scope), None, "guest")
        scope.setdefault("state", {})["visitor"] = visitor
        if visitor.role == "guest" and self.recognizer.is_invited(scope):
            send = self._inviting(send, scope)
        return await self.app(scope, receive, send)

    def _sign_in_first(self, scope: dict):
        if is_opened_by_a_person(scope):
            asked = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
            return RedirectResponse(f"/login?next={quote(asked, safe='')}", 303, headers={"Cache-Control": "no-store"})
        return refusal(scope, 401, "Sign in first.", "Open the page in a browser and sign in there.")

    def _inviting(self, send, scope: dict):
        """``send`` that also gives the browser the cookie of an invited guest."""

        async def sending(message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append(
                    "Set-Cookie", self.recognizer.cookies.made(INVITED, INVITED, is_secure(scope))
                )
            await send(message)

        return sending


def cookies_of(scope: dict) -> dict[str, str]:
    """The cookies of a request."""
    return cookie_parser("; ".join(Headers(scope=scope).getlist("cookie")))


def is_secure(scope: dict) -> bool:
    """True if the browser speaks HTTPS, to this server or to a proxy before it."""
    return "https" in (scope.get("scheme"), Headers(scope=scope).get("x-forwarded-proto", "").split(",")[0].strip())

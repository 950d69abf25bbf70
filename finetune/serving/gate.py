"""Middleware: which requests are answered at all.

Without a key, every program of this machine may ask, and no web page: a page of a foreign site is known by ``Origin``,
a foreign name that resolves to this machine by ``Host``. With a key, whoever has it may ask under any name.
"""

import math

from starlette.datastructures import Headers

from finetune.door.body import length_of
from finetune.door.budget import Budget
from finetune.door.excess import Excess, last
from finetune.door.hosts import Hosts, comes_from_elsewhere
from finetune.door.refusal import refuse_other_protocols
from finetune.door.throttle import Rate, Throttle
from finetune.serving.key import Key
from finetune.serving.refused import INVALID, TOO_MANY, WRONG_KEY, Refused

EACH, TOGETHER = Rate(10, 60.0), Rate(100, 60.0)
"""Wrong keys from one address and from all, after which none is told more than to wait. A right one always passes."""
HEALTH = "/health"
"""Answered without a key: it says nothing but that the server runs."""


class Gate:
    """The middleware; without a ``key``, ``hosts`` are the names under which this server is asked."""

    def __init__(self, app, hosts: Hosts, key: Key | None, budget: Budget):
        self.app, self.hosts, self.key, self.budget = app, hosts, key, budget
        self._wrong = Throttle(EACH, TOGETHER)

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if await refuse_other_protocols(scope, receive, send):
            return None
        try:
            self._admit(scope)
        except Refused as refused:
            return await last(refused.response(), receive, send)
        return await self.app(scope, receive, send)

    def _admit(self, scope: dict) -> None:
        """``Refused`` unless the request may be answered."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        if not host or (self.key is None and not self.hosts.has(host)):
            hint = "Ask it under the address that it printed. With a key, it can be asked under any name."
            raise Refused(400, f"This server is not at the address {host[:100]!r}. {hint}", code="unknown_host")
        if "origin" in headers or comes_from_elsewhere(scope, host):
            sentence = "Web pages may not ask this server: let a program of yours ask it for them."
            raise Refused(403, sentence, code="foreign_origin")
        if self.key is not None and scope["path"] != HEALTH:
            self._require_key(scope, headers.get("authorization"))
        try:
            length = length_of(scope["headers"])
        except Excess as excess:
            raise Refused(excess.status, excess.sentence) from None
        if (length or 0) > self.budget.body_bytes:
            raise too_large(self.budget)

    def _require_key(self, scope: dict, authorization: str | None) -> None:
        if self.key.opens(authorization):
            return
        wait_s = self._wrong.wait_s((scope.get("client") or ("",))[0])
        if wait_s:
            seconds = math.ceil(wait_s)
            sentence = f"Too many wrong keys came from your address. Try again in {seconds} seconds."
            raise Refused(429, sentence, code="rate_limit_exceeded", kind=TOO_MANY, retry_s=seconds)
        if not authorization:
            sentence = (
                "This server needs a key: send it as Authorization: Bearer KEY, or give it to the client as api_key."
            )
            raise Refused(401, sentence, code="missing_api_key", kind=WRONG_KEY)
        raise Refused(
            401, "The key of this request is not that of this server.", code="invalid_api_key", kind=WRONG_KEY
        )


def too_large(budget: Budget) -> Refused:
    """The refusal of a body that is too large."""
    return Refused(413, f"This request is larger than {budget.body_bytes // 2**20} MB.", code="too_large", kind=INVALID)

"""Middleware: the access token of who signed in with Hugging Face, kept in this process and in no cookie.

``huggingface_hub`` writes all that it was told at a sign-in into the session cookie, which is signed but can be read by
whoever reads the cookies of the browser: an extension, a proxy, a backup. With the token they could write to the Hub in
that person's name. So the token is taken out before the cookie is made; what stays in it is a random key that opens the
token here alone. After a restart a person signs in again before they push; a sign-out forgets the token.
"""

import secrets
import threading
import time
from collections import OrderedDict

MOST = 10_000
"""Tokens that are kept; the oldest is forgotten first."""
SECRETS = ("access_token", "refresh_token", "id_token")
KEY = "token_key"


class Tokens:
    """Access tokens by the key in the session of their owner."""

    def __init__(self, most: int = MOST):
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def keep(self, token: str, expires_at: float) -> str:
        """Keep ``token`` until ``expires_at``, in seconds since 1970; the key that opens it."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._kept[key] = token, expires_at
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return key

    def get(self, key: object) -> str | None:
        """The token that ``key`` opens; None if there is none, or it has expired."""
        with self._lock:
            token, expires_at = self._kept.get(str(key), ("", 0.0))
            if token and time.time() < expires_at:
                return token
            self._kept.pop(str(key), None)
            return None

    def forget(self, key: object) -> None:
        """Forget the token that ``key`` opens."""
        with self._lock:
            self._kept.pop(str(key), None)


TOKENS = Tokens()
"""Those of this process."""


class KeepTokens:
    """The middleware, inside of that which makes the session's cookie."""

    def __init__(self, app, tokens: Tokens = TOKENS):
        self.app, self._tokens = app, tokens

    async def __call__(self, scope, receive, send) -> None:
        async def sending(message) -> None:
            if message["type"] == "http.response.start":
                self._take(scope.get("session", {}).get("oauth_info"))
            await send(message)

        await self.app(scope, receive, sending)

    def _take(self, told: object) -> None:
        """Take the secrets out of what a sign-in told."""
        if not isinstance(told, dict):
            return
        token, expires_at = told.get("access_token"), told.get("expires_at")
        for name in SECRETS:
            told.pop(name, None)
        if isinstance(token, str) and isinstance(expires_at, (int, float)):
            self._tokens.forget(told.get(KEY))
            told[KEY] = self._tokens.keep(token, expires_at)

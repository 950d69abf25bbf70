"""Signing in with Hugging Face, on a Space whose README has ``hf_oauth: true``.

``huggingface_hub`` does the work (OAuth 2 with OpenID Connect), and keeps what it was told in a session cookie signed
with the secret of the Space; only the access token is kept in this process (``finetune.door.tokens``).
Outside a Space it would pretend and sign everyone in as the owner of this machine's token, so there it is never used.
"""

import os
import time

from starlette.middleware import Middleware

from finetune.door.tokens import KEY, TOKENS, KeepTokens
from finetune.errors import SettingError

NEEDED = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL", "SPACE_HOST")
"""What a Space with ``hf_oauth`` has in its environment."""
START = "/oauth/huggingface/login"


def is_offered() -> bool:
    """True on a Space where people can sign in; ``SettingError`` if what is needed for it is there in part."""
    if not os.environ.get("SPACE_ID") or not os.environ.get("OAUTH_CLIENT_ID"):
        return False
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        raise SettingError(
            f"Nobody could sign in: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
            "Restart the Space, or take hf_oauth out of its README to serve it without a sign-in.",
        )
    return True


def provider() -> str:
    """The address of whoever signs people in; empty where nobody does."""
    return os.environ.get("OPENID_PROVIDER_URL", "") if os.environ.get("SPACE_ID") else ""


def attach(app) -> list[Middleware]:
    """Add the addresses of the sign-in to ``app``, whose later addresses may match everything.

    Returns the middleware that reads the session, to be added outside of whatever asks who the visitor is; nothing
    where there is no such sign-in.
    """
    if not is_offered():
        return []
    from huggingface_hub import attach_huggingface_oauth

    before = len(app.user_middleware)
    attach_huggingface_oauth(app)
    added = [app.user_middleware.pop(0) for _ in range(len(app.user_middleware) - before)]
    return [*added, Middleware(KeepTokens)]


def person(scope: dict) -> tuple[str | None, frozenset[str]]:
    """Name and organizations of who signed in, from the session of the request; no name if nobody did."""
    info = scope.get("session", {}).get("oauth_info") or {}
    told = info.get("userinfo") or {}
    if not told.get("preferred_username") or time.time() > (info.get("expires_at") or 0):
        return None, frozenset()
    groups = (group.get("preferred_username") for group in told.get("orgs") or ())
    return told["preferred_username"], frozenset(group for group in groups if group)


def token_of(scope: dict) -> str | None:
    """The access token of who sends a request, to push to the Hub in their name; None if they did not sign in so."""
    if person(scope)[0] is None:
        return None
    return TOKENS.get(scope["session"]["oauth_info"].get(KEY))


def forget(scope: dict) -> None:
    """Sign out."""
    told = scope.get("session", {}).pop("oauth_info", None)
    if isinstance(told, dict):
        TOKENS.forget(told.get(KEY))

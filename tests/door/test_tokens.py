"""The access token of a sign-in stays in the process, and the session has a key to it alone."""

import asyncio
import time

from finetune.door.tokens import KEY, KeepTokens, Tokens


def answered(session: dict, tokens: Tokens) -> list[dict]:
    """What is sent after an app has answered a request with ``session``; it is looked at as it is sent."""
    seen = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        seen.append({**session.get("oauth_info", {})} if message["type"] == "http.response.start" else {})

    asyncio.run(KeepTokens(app, tokens)({"type": "http", "session": session}, None, send))
    return seen


def test_a_token_is_taken_out_before_the_answer_is_sent():
    tokens = Tokens()
    told = {"access_token": "a", "refresh_token": "r", "id_token": "i", "expires_at": time.time() + 60, "userinfo": {}}
    first, _ = answered({"oauth_info": told}, tokens)
    assert set(first) == {"expires_at", "userinfo", KEY} and tokens.get(first[KEY]) == "a"
    again, _ = answered({"oauth_info": dict(first)}, tokens)
    assert again == first


def test_a_second_sign_in_replaces_the_first_token():
    tokens, until = Tokens(), time.time() + 60
    session = {"oauth_info": {"access_token": "a", "expires_at": until}}
    first = answered(session, tokens)[0][KEY]
    session["oauth_info"]["access_token"] = "b"
    second = answered(session, tokens)[0][KEY]
    assert tokens.get(first) is None and tokens.get(second) == "b"


def test_an_expired_or_forgotten_token_is_none_and_the_oldest_goes_first():
    tokens = Tokens(most=2)
    old = tokens.keep("old", time.time() - 1)
    assert tokens.get(old) is None and tokens.get("made up") is None and tokens.get(None) is None
    keys = [tokens.keep(str(n), time.time() + 60) for n in range(3)]
    assert [tokens.get(key) for key in keys] == [None, "1", "2"]
    tokens.forget(keys[2])
    assert tokens.get(keys[2]) is None


def test_a_request_without_a_session_or_with_an_odd_one_passes():
    for session in ({}, {"oauth_info": {}}, {"oauth_info": {"access_token": 7, "expires_at": "x"}}):
        assert all("access_token" not in each for each in answered(session, Tokens()))

import time
from types import SimpleNamespace

from gradio.context import LocalContext

from finetune.door.tokens import KEY, TOKENS
from finetune.door.visitor import NOBODY, Visitor
from finetune.ui.visitor import current, token


def test_the_visitor_is_that_of_the_event():
    assert current() is None
    ada = Visitor("ada", "ada", "member")
    for scope, expected in (({"state": {"visitor": ada}}, ada), ({}, NOBODY)):
        token = LocalContext.request.set(SimpleNamespace(request=SimpleNamespace(scope=scope)))
        assert current() is expected
        LocalContext.request.reset(token)


def test_their_token_to_the_hub_is_that_of_their_sign_in():
    assert token() is None
    until = time.time() + 60
    told = {"userinfo": {"preferred_username": "zoe"}, "expires_at": until, KEY: TOKENS.keep("the-token", until)}
    for scope, expected in (({"session": {"oauth_info": told}}, "the-token"), ({}, None)):
        given = LocalContext.request.set(SimpleNamespace(request=SimpleNamespace(scope=scope)))
        assert token() == expected
        LocalContext.request.reset(given)

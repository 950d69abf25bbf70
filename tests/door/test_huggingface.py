"""Signing in with Hugging Face: where it is offered, what a session says, and the whole way with a stand-in."""

import argparse
import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from finetune.door import huggingface
from finetune.door.options import add_options, door_of
from finetune.errors import SettingError
from finetune.ui.site import site
from finetune.ui.studio import Studio

CLIENT, SECRET, HOST = "the-client", "a secret of the Space, long enough", "acme-studio.hf.space"
RIGHT = SECRET


@pytest.fixture
def space(monkeypatch):
    for name in huggingface.NEEDED:
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SPACE_ID", "me/studio")
    monkeypatch.setenv("OPENID_PROVIDER_URL", "https://huggingface.co")


@pytest.mark.threat("T31")
def test_it_is_offered_on_a_space_that_has_all_it_needs_and_nowhere_else(space, monkeypatch):
    assert huggingface.is_offered() and huggingface.provider() == "https://huggingface.co"
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "")
    with pytest.raises(SettingError, match="OAUTH_CLIENT_SECRET is not set"):
        huggingface.is_offered()
    monkeypatch.delenv("SPACE_ID")
    assert not huggingface.is_offered() and huggingface.provider() == ""


def test_who_signed_in_is_read_until_it_expires():
    told = {"preferred_username": "zoe", "orgs": [{"preferred_username": "acme"}, {}]}
    scope = {"session": {"oauth_info": {"userinfo": told, "expires_at": time.time() + 60}}}
    assert huggingface.person(scope) == ("zoe", frozenset({"acme"}))
    scope["session"]["oauth_info"]["expires_at"] = time.time() - 1
    assert huggingface.person(scope) == (None, frozenset())
    huggingface.forget(scope)
    assert scope == {"session": {}} and huggingface.person({}) == (None, frozenset())


class Provider:
    """A stand-in of the Hub's OpenID Connect on loopback: it signs in whoever ``name`` says, without asking."""

    def __init__(self):
        self.name, self.orgs, self.nonce, self.secrets = "zoe", ["acme"], "", []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(provider):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path == "/jwks":
                    return self._send({"keys": [{"kty": "oct", "alg": "HS256", "k": _coded(RIGHT.encode())}]})
                self._send(
                    {
                        "issuer": provider.url,
                        "authorization_endpoint": f"{provider.url}/oauth/authorize",
                        "token_endpoint": f"{provider.url}/oauth/token",
                        "jwks_uri": f"{provider.url}/jwks",
                        "id_token_signing_alg_values_supported": ["HS256"],
                    }
                )

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                provider.secrets.append((self.headers.get("Authorization"), self.rfile.read(length).decode()))
                told = {"access_token": "canary-access", "token_type": "bearer", "expires_in": 3600}
                self._send({**told, "id_token": provider.id_token()})

            def _send(self, content):
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def id_token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "1",
            "iat": now,
            "exp": now + 600,
            "nonce": self.nonce,
            "preferred_username": self.name,
            "orgs": [{"preferred_username": each} for each in self.orgs],
        }
        parts = [_coded(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims)]
        signed = hmac.new(SECRET.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
        return ".".join([*parts, _coded(signed)])


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def provider():
    provider = Provider()
    yield provider
    provider.server.shutdown()


@pytest.fixture
def visit(provider, workspace, monkeypatch):
    """A browser at a Space of ``acme``."""
    from huggingface_hub import constants

    given = {
        "OAUTH_CLIENT_ID": CLIENT,
        "OAUTH_CLIENT_SECRET": SECRET,
        "OAUTH_SCOPES": "openid profile",
        "OPENID_PROVIDER_URL": provider.url,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setattr(constants, name, value)
    for name, value in {"SPACE_ID": "acme/studio", "SPACE_HOST": HOST, "SPACE_AUTHOR_NAME": "acme"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FINETUNE_AUTH", raising=False)
    parser = argparse.ArgumentParser()
    add_options(parser)
    given = parser.parse_args([])
    given.host = "0.0.0.0"
    door = door_of(given)
    app = site(Studio(workspace, door.members.must_sign_in), door)
    return lambda: TestClient(app, base_url=f"https://{HOST}", follow_redirects=False)


def sign_in(browser, provider) -> str:
    """Signs in as the provider says; where the browser is sent at last."""
    asked = browser.get("/oauth/huggingface/login", params={"_target_url": "/?tab=train"})
    target = urlsplit(asked.headers["location"])
    assert f"{target.scheme}://{target.netloc}" == provider.url
    query = parse_qs(target.query)
    provider.nonce = query["nonce"][0]
    back = urlsplit(query["redirect_uri"][0])
    assert back.netloc == HOST and back.scheme == "https"
    answer = browser.get(f"{back.path}?{back.query}&code=x&state={query['state'][0]}")
    return answer.headers["location"]


@pytest.mark.threat("T31", "T5")
def test_people_sign_in_on_a_space_as_who_they_are(visit, provider):
    zoe, eve = visit(), visit()
    assert zoe.get("/config").status_code == 401
    assert zoe.get("/", headers={"Accept": "text/html"}).headers["location"].startswith("/login")
    assert "Sign in with Hugging Face" in zoe.get("/login").text
    assert sign_in(zoe, provider) == "/?tab=train"
    assert zoe.get("/config").status_code == 200
    assert CLIENT in provider.secrets[0][1] or provider.secrets[0][0]
    provider.name, provider.orgs = "eve", []
    sign_in(eve, provider)
    assert eve.get("/config").status_code == 200
    assert zoe.post("/logout").status_code == 303 and zoe.get("/config").status_code == 401
    assert eve.get("/config").status_code == 200


def session_of(browser) -> dict:
    """What the session's cookie says to whoever reads it."""
    return json.loads(base64.b64decode(browser.cookies["session"].split(".")[0]))


@pytest.mark.threat("T31", "T33")
def test_the_access_token_is_in_no_cookie_and_pushes_for_its_owner_alone(visit, provider):
    browser = visit()
    sign_in(browser, provider)
    said = session_of(browser)
    assert "canary-access" not in json.dumps(said) and "id_token" not in said["oauth_info"]
    assert huggingface.token_of({"session": said}) == "canary-access"
    made_up = {"oauth_info": {**said["oauth_info"], "token_key": "made up"}}
    expired = {"oauth_info": {**said["oauth_info"], "expires_at": time.time() - 1}}
    for session in ({}, made_up, expired):
        assert huggingface.token_of({"session": session}) is None
    assert browser.get("/config").status_code == 200 and session_of(browser) == said
    browser.post("/logout")
    assert huggingface.token_of({"session": said}) is None


@pytest.mark.threat("T31", "T5")
def test_a_sign_in_that_nobody_began_or_that_leads_elsewhere_is_none(visit, provider):
    browser = visit()
    provider.nonce = "x"
    answer = browser.get("/oauth/huggingface/callback?code=x&state=made-up")
    assert answer.headers.get("location", "/").startswith("/") and browser.get("/config").status_code == 401
    away = browser.get("/oauth/huggingface/login", params={"_target_url": "https://evil.example"})
    assert away.status_code == 404
    away = browser.get("/oauth/huggingface/callback?code=x&state=s&_target_url=https://evil.example")
    assert "evil.example" not in away.headers.get("location", "")


@pytest.mark.threat("T31")
def test_what_another_key_signed_is_no_sign_in(visit, provider, monkeypatch):
    from tests.door import test_huggingface

    browser = visit()
    monkeypatch.setattr(test_huggingface, "SECRET", "another secret of somebody else")
    with pytest.raises(Exception, match="(?i)signature"):
        sign_in(browser, provider)
    assert browser.get("/config").status_code == 401

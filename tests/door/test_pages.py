import gzip

import pytest

from finetune.door import pages
from finetune.door.pages import Pages
from tests.door.requests import ask, scope_of


class App:
    """Counts what it makes, and says for which host."""

    def __init__(self, status=200):
        self.asked, self.status = [], status

    async def __call__(self, scope, receive, send):
        headers = dict(scope["headers"])
        self.asked.append((scope["path"], scope["query_string"]))
        body = b"page for " + headers.get(b"host", b"?") * 200
        sent = [(b"content-type", b"text/html"), (b"set-cookie", b"a=b"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": self.status, "headers": sent})
        await send({"type": "http.response.body", "body": body})


@pytest.mark.threat("S6", "T41")
def test_a_page_is_made_once_whoever_opens_it_and_however_often():
    app = App()
    door = Pages(app)
    found = [ask(door, scope_of(f"GET /?tab={n}&deep_link={n}", {"Host": "a", "Cookie": f"c={n}"})) for n in range(5)]
    assert app.asked == [("/", b"")] and {each.body for each in found} == {b"page for " + b"a" * 200}
    assert found[4].header("content-type") == "text/html" and found[4].header("set-cookie") is None
    assert int(found[4].header("content-length")) == len(found[4].body)
    assert ask(door, scope_of("HEAD /", {"Host": "a"})).body == b"" and len(app.asked) == 1


def test_each_name_of_the_server_has_its_own():
    app = App()
    door = Pages(app)
    for host in ("a", "b", "a"):
        assert host.encode() in ask(door, scope_of("GET /", {"Host": host})).body
    ask(door, scope_of("GET /", {"Host": "a", "X-Forwarded-Proto": "https"}))
    ask(door, scope_of("GET /config?page=vote", {"Host": "a"}))
    assert len(app.asked) == 4 and app.asked[-1] == ("/config", b"page=vote")


def test_it_is_packed_for_who_can_unpack_it():
    door = Pages(App())
    plain, packed = (
        ask(door, scope_of("GET /", {"Host": "a", **more})) for more in ({}, {"Accept-Encoding": "gzip, br"})
    )
    assert gzip.decompress(packed.body) == plain.body and packed.header("content-encoding") == "gzip"
    assert len(packed.body) < len(plain.body) / 2 and "accept-encoding" in plain.header("vary").lower()


def test_what_is_no_page_passes_and_an_error_is_not_kept():
    app = App()
    door = Pages(app)
    for line in ("GET /assets/a.js?x=1", "POST /config", "GET /gradio_api/queue/data?session_hash=a"):
        ask(door, scope_of(line))
        ask(door, scope_of(line))
    assert len(app.asked) == 6
    broken = App(500)
    door = Pages(broken)
    assert [ask(door, scope_of("GET /")).status for _ in range(2)] == [500, 500] and len(broken.asked) == 2


@pytest.mark.threat("S6")
def test_only_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(pages, "MOST", 3)
    app = App()
    door = Pages(app)
    for n in range(10):
        ask(door, scope_of("GET /", {"Host": str(n)}))
    assert len(door._made) == 3

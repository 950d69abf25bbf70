"""The headers of answers, on a toy app; that the whole page works with them is in tests/threats/test_browser.py."""

import base64
import hashlib

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from finetune.door.headers import Headers

PAGE = b"""<html><head><script src="/a.js"></script><script>window.config = {"a": "\\u003cb"};</script></head>
<body><script data-mode>\r\nlet b = 1 && 2 < 3;\r\n</script><p>text</p><!-- <script>no()</script> --></body></html>"""
HEAD = "<meta name='a'><script>\nlet c = '\u00e9';\n</script>"


def policy_of(answer) -> dict[str, list[str]]:
    """The policy of an answer: directive -> its sources."""
    parts = [each.split() for each in answer.headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in parts}


def sha256(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def client(answer, head: str = "", on_space: bool = False) -> TestClient:
    """A client of an app that gives ``answer`` (made of the request) at every address."""
    routes = [Route("/{path:path}", answer, methods=["GET", "POST", "HEAD"])]
    return TestClient(Headers(Starlette(routes=routes), head, on_space), follow_redirects=False)


def page(_):
    return HTMLResponse(PAGE)


@pytest.mark.threat("T14", "T42")
def test_a_page_runs_its_own_scripts_and_no_others():
    found = client(page, HEAD).get("/")
    assert found.content == PAGE and found.headers["content-length"] == str(len(PAGE))
    expected = ['window.config = {"a": "\\u003cb"};', "\nlet b = 1 && 2 < 3;\n", "\nlet c = 'é';\n"]
    assert policy_of(found)["script-src"] == ["'self'", "'unsafe-eval'", *map(sha256, expected)]
    assert policy_of(client(page).get("/vote?key=1"))["script-src"][2:] == [*map(sha256, expected[:2])]


@pytest.mark.threat("T42", "S21")
def test_a_page_loads_nothing_from_elsewhere_and_nobody_else_frames_it():
    policy = policy_of(client(page).get("/"))
    assert policy["default-src"] == policy["object-src"] == ["'none'"]
    assert policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == ["'self'"]
    sources = {source for name, each in policy.items() if name != "script-src" for source in each}
    assert sources <= {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}
    assert "'unsafe-inline'" not in policy["script-src"]


@pytest.mark.threat("T42")
def test_on_a_space_the_hub_frames_the_page_and_signs_visitors_in():
    policy = policy_of(client(page, on_space=True).get("/"))
    assert policy["frame-ancestors"] == ["'self'", "https://huggingface.co", "https://*.hf.space"]
    assert policy["form-action"] == ["'self'", "https://huggingface.co"]


@pytest.mark.threat("T42", "T13")
@pytest.mark.parametrize(
    "answer",
    [
        lambda _: PlainTextResponse("a"),
        lambda _: Response(b"<svg xmlns='http://www.w3.org/2000/svg'/>", media_type="image/svg+xml"),
        lambda _: Response(status_code=204),
        lambda _: StreamingResponse(iter([b"data: 1\n\n", b"data: 2\n\n"]), media_type="text/event-stream"),
    ],
)
def test_every_answer_has_the_headers_and_what_is_no_page_runs_nothing(answer):
    found = client(answer).get("/")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["referrer-policy"] == "same-origin"
    assert "camera=()" in found.headers["permissions-policy"] and "server" not in found.headers
    assert found.headers["cross-origin-opener-policy"] == "same-origin-allow-popups"
    policy = policy_of(found)
    assert policy["default-src"] == ["'none'"] and "sandbox" in policy and "script-src" not in policy
    assert policy["frame-ancestors"] == ["'self'"]


@pytest.mark.threat("T13")
@pytest.mark.parametrize("path", ["/gradio_api/file=/tmp/a.html", "/gradio_api/file/a.html", "/gradio_api/proxy=x"])
def test_the_scripts_of_a_visitors_file_are_never_those_of_a_page(path):
    assert "script-src" not in policy_of(client(page).get(path))
    attached = client(lambda _: HTMLResponse(PAGE, headers={"content-disposition": "attachment"})).get("/a")
    assert "script-src" not in policy_of(attached)


def test_an_answer_keeps_a_policy_of_its_own():
    own = {"Content-Security-Policy": "default-src 'none'; sandbox", "Referrer-Policy": "same-origin"}
    found = client(lambda _: HTMLResponse(PAGE, headers=own)).get("/report/x")
    assert [found.headers[name] for name in own] == [*own.values()]
    assert found.headers["x-content-type-options"] == "nosniff" and found.content == PAGE


def test_what_is_compressed_is_not_taken_for_a_page():
    found = client(lambda _: Response(b"", media_type="text/html", headers={"content-encoding": "identity"})).get("/")
    assert "script-src" not in policy_of(found)


def test_events_are_passed_on_as_they_come():
    """Nothing is held back: the first event is there before the second is made."""
    sent = []

    async def app(scope, receive, send):
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
        await send(start)
        await send({"type": "http.response.body", "body": b"1", "more_body": True})
        assert sent == ["http.response.start", b"1"]
        await send({"type": "http.response.body", "body": b"2"})

    async def send(message):
        sent.append(message.get("body", message["type"]))

    import asyncio

    scope = {"type": "http", "path": "/gradio_api/queue/data", "headers": []}
    asyncio.run(Headers(app)(scope, None, send))
    assert sent == ["http.response.start", b"1", b"2"]


def test_a_page_in_parts_is_whole():
    parts = [PAGE[:70], PAGE[70:200], PAGE[200:]]
    found = client(lambda _: StreamingResponse(iter(parts), media_type="text/html")).get("/")
    assert found.content == PAGE and len(policy_of(found)["script-src"]) == 4


@pytest.mark.threat("T43")
def test_an_answer_repeats_nothing_that_it_was_asked_with():
    def echo(request):
        return PlainTextResponse("a", headers={**request.headers, "set-cookie": "b=2", "X-Own": "1"})

    asked = {"Cookie": "a=1", "Authorization": "Bearer b", "X-Api-Key": "c", "Accept": "d", "Cache-Control": "no-cache"}
    found = client(echo).get("/", headers={**asked, "Content-Length": "1"})
    assert [name for name in asked if name in found.headers] == ["Cache-Control"] and "host" not in found.headers
    assert found.headers["x-own"] == "1" and found.headers["set-cookie"] == "b=2" and found.text == "a"


@pytest.mark.threat("T43")
def test_a_file_is_sent_whole_whatever_range_is_asked_for():
    def range_asked(request):
        return PlainTextResponse(f"{request.headers.get('range')} {request.headers.get('if-range')}")

    asked = {"Range": "bytes=0-1", "If-Range": "x"}
    assert client(range_asked).get("/gradio_api/file=/a", headers=asked).text == "None None"
    assert client(range_asked).get("/other", headers=asked).text == "bytes=0-1 x"


FOREIGN = [
    "http://evil.example/",
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "http:evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://testserver/",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "http://testserver:81/",
    "https://huggingface.co/oauth",
    "http://[::1]/",
    "http://[evil",
    "HTTP://EVIL.EXAMPLE",
    "http://evil.example\\@testserver/",
    "blob:http://testserver/1",
    "HtTpS:evil.example",
    "x:y",
]


@pytest.mark.threat("T5", "S16")
@pytest.mark.parametrize(
    "target", [*FOREIGN, "\t//evil.example", " /\t/evil.example", "ht\ttp://evil.example", "/\x01\\e"]
)
def test_no_answer_leads_to_a_foreign_site(target):
    def leads(_):
        return Response(status_code=302, headers={"location": target})

    found = client(leads).get("/logout")
    assert found.status_code == 302 and "location" not in found.headers


@pytest.mark.threat("T5", "S16")
def test_an_address_of_ours_is_led_to_without_its_host():
    cases = {
        "/vote": "/vote",
        "vote?a=http://b": "vote?a=http://b",
        "http://testserver": "/",
        "http://testserver/a?b=c#d": "/a?b=c#d",
        "https://testserver//evil.example": "/evil.example",
        "http://testserver/\\evil.example": "/evil.example",
        "http://testserver\\@evil.example/": "/@evil.example/",
    }
    for target, expected in cases.items():
        found = client(lambda _, to=target: Response(status_code=302, headers={"location": to})).get("/a")
        assert found.headers["location"] == expected, target


@pytest.mark.threat("S16")
def test_the_address_after_logging_out_does_not_follow_the_host_given():
    def logout(request):
        return Response(status_code=302, headers={"location": f"http://{request.headers['host']}/"})

    assert client(logout).get("/logout", headers={"Host": "evil.example"}).headers["location"] == "/"
    forwarded = client(lambda _: Response(status_code=302, headers={"location": "http://evil.example"}))
    assert "location" not in forwarded.get("/logout", headers={"X-Forwarded-Host": "evil.example"}).headers


def test_on_a_space_a_sign_in_leads_to_the_hub_and_nowhere_else():
    def to(target):
        there = client(lambda _: Response(status_code=302, headers={"location": target}), on_space=True)
        return there.get("/login/huggingface").headers.get("location")

    assert to("https://huggingface.co/oauth/authorize?a=b") == "https://huggingface.co/oauth/authorize?a=b"
    assert to("https://huggingface.co.evil.example/") is to("https://huggingface.co@evil.example/") is None
    assert to("http://huggingface.co/") is None


def test_a_websocket_and_the_start_of_the_app_are_left_alone():
    import asyncio

    seen = []

    async def app(scope, receive, send):
        seen.append((scope["type"], send))

    for kind in ("lifespan", "websocket"):
        asyncio.run(Headers(app)({"type": kind}, None, len))
    assert seen == [("lifespan", len), ("websocket", len)]

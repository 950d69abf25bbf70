import pytest

from finetune.door.paths import Offered, is_of_guests, is_public, leads_here, own_address
from tests.door.requests import ask, echo, scope_of

NOT_OFFERED = [
    "GET /gradio_api/file=/etc/passwd",
    "HEAD /gradio_api/file=https://evil.example/",
    "GET /gradio_api/file/etc/passwd",
    "GET /gradio_api/proxy=https://evil.example/",
    "GET /gradio_api/stream/a/b/c/playlist.m3u8",
    "POST /gradio_api/process_recording",
    "POST /gradio_api/vibe-edit/",
    "GET /gradio_api/vibe-code/",
    "GET /gradio_api/runs",
    "GET /gradio_api/run-history/buckets",
    "GET /gradio_api/deep_link",
    "GET /gradio_api/dev/reload",
    "GET /gradio_api/custom_component/1/client/component/index.js",
    "POST /gradio_api/component_server",
    "GET /gradio_api/token",
    "GET /gradio_api/user",
    "GET /gradio_api/login_check",
    "GET /gradio_api/openapi.json",
    "GET /monitoring",
    "GET /monitoring/summary",
    "GET /logout",
    "GET /docs",
    "GET /openapi.json",
    "GET /gradio_api/profiling/summary",
    "DELETE /",
    "PUT /gradio_api/upload",
    "POST /",
    "GET //evil.example/",
    "GET /assets",
]


@pytest.mark.threat("T1", "T3", "T4", "T5", "S16", "T40")
@pytest.mark.parametrize("line", NOT_OFFERED)
def test_what_the_page_does_not_use_is_not_there(line):
    answer = ask(Offered(echo), scope_of(line))
    assert answer.status == 404 and answer.header("location") is None


@pytest.mark.parametrize(
    "line",
    [
        "GET /",
        "HEAD /",
        "GET /vote",
        "GET /report/abc",
        "POST /gradio_api/upload",
        "GET /assets/index.js",
        "GET /login",
    ],
)
def test_what_it_uses_is(line):
    assert ask(Offered(echo), scope_of(line)).status == 200


def test_without_a_sign_in_there_are_only_files_of_the_page_and_secret_addresses():
    public = ("GET /", "GET /config", "GET /report/x", "POST /login", "GET /assets/a.js", "GET /vote")
    assert [is_public(scope_of(line)) for line in public] == [False, False, True, True, True, False]
    guests = ("GET /vote", "POST /gradio_api/queue/join", "GET /", "GET /config", "POST /gradio_api/upload")
    assert [is_of_guests(scope_of(line)) for line in guests] == [True, True, False, False, False]


@pytest.mark.threat("T5")
@pytest.mark.parametrize(
    "address", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\nb", "javascript:alert(1)", "", None]
)
def test_nobody_is_sent_to_another_site_after_a_sign_in(address):
    assert own_address(address) == "/"
    if address:
        query = f"GET /oauth/huggingface/login?_target_url={address}"
        assert not leads_here(scope_of(query))
        assert ask(Offered(echo), scope_of(query)).status == 404
    assert own_address("/?tab=train") == "/?tab=train"
    assert leads_here(scope_of("GET /oauth/huggingface/login?_target_url=/"))

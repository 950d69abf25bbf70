import pytest

from finetune.door.hosts import Hosts, OwnHosts, is_loopback, name_of
from tests.door.requests import ask, echo, scope_of

EVIL = [
    "evil.example",
    "evil.example:7860",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "evil.example@localhost",
    "localhost@evil.example",
    "localhost,evil.example",
    "localhost/evil.example",
    "localhost evil.example",
    "localhost:7860:80",
    "localhost:",
    "",
    "[::1",
    "0.0.0.0",
    "127.1",
    "2130706433",
    "169.254.169.254",
    "192.168.1.5",
    "loc\u00e0lhost",
]


def served(line: str, headers, hosts: Hosts | None = None) -> int:
    return ask(OwnHosts(echo, hosts or Hosts.of("127.0.0.1")), scope_of(line, headers)).status


@pytest.mark.threat("T7")
@pytest.mark.parametrize("host", EVIL)
@pytest.mark.parametrize("line", ["GET /", "POST /gradio_api/queue/join", "GET /gradio_api/queue/data", "GET /config"])
def test_a_foreign_name_is_refused_at_every_address(host, line):
    assert served(line, [("Host", host)]) == 400


@pytest.mark.threat("T7")
def test_a_request_names_one_host():
    assert served("GET /", []) == 400
    assert served("GET /", [("Host", "localhost"), ("Host", "evil.example")]) == 400


@pytest.mark.threat("T5", "T7")
def test_a_forwarded_name_is_one_of_ours_too():
    assert served("GET /", {"Host": "localhost", "X-Forwarded-Host": "evil.example"}) == 400
    assert served("GET /", {"Host": "localhost", "X-Forwarded-Host": "localhost"}) == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7860", "127.0.0.1:1", "[::1]:7860", "[::1]"])
def test_this_machines_own_names_are_answered(host):
    assert served("GET /", {"Host": host}) == 200


def test_further_names_are_answered_where_they_are_named():
    hosts = Hosts.of("127.0.0.1", ("Studio.Example.org", "", "[2001:db8::1]"))
    assert hosts.has("studio.example.org:443") and hosts.has("[2001:db8::1]:80") and not hosts.has("example.org")


@pytest.mark.threat("T7")
def test_where_all_addresses_are_listened_on_numbers_are_answered_and_names_are_not():
    for listened in ("0.0.0.0", "::"):
        hosts = Hosts.of(listened)
        assert hosts.has("192.168.1.5:7860") and hosts.has("[fe80::1]:7860") and hosts.has("localhost")
        assert not hosts.has("evil.example") and not hosts.has("192.168.1.5.evil.example")


@pytest.mark.threat("T6", "S1", "T8")
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost:3000",
        "http://localhost",
        "http://127.0.0.1:7860",
        "http://localhost:7860.evil.example",
        "http://localhost:7860@evil.example",
        "file://",
        "http://localhost:abc",
        "chrome-extension://localhost:7860",
        "http://localhost:7860/",
        "",
    ],
)
@pytest.mark.parametrize(
    "line", ["POST /gradio_api/queue/join", "POST /gradio_api/upload", "GET /gradio_api/queue/data", "OPTIONS /"]
)
def test_a_page_of_another_origin_is_refused(origin, line):
    assert served(line, {"Host": "localhost:7860", "Origin": origin}) == 403


@pytest.mark.threat("T6", "S1")
@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
@pytest.mark.parametrize(
    ("line", "mode"), [("POST /login", "navigate"), ("GET /config", "cors"), ("GET /assets/a.js", "no-cors")]
)
def test_a_browser_says_which_page_asks_also_where_it_names_no_origin(site, line, mode):
    headers = {"Host": "localhost:7860", "Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
    assert served(line, headers) == 403


@pytest.mark.threat("T6")
def test_two_origins_are_no_way_round():
    own, other = ("Origin", "http://localhost:7860"), ("Origin", "http://evil.example")
    assert served("POST /login", [("Host", "localhost:7860"), own, other]) == 403
    assert served("POST /login", [("Host", "localhost:7860"), own]) == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:7860", "http://localhost:7860"),
        ("[::1]:7860", "http://[::1]:7860"),
        ("localhost", "http://localhost:80"),
        ("localhost:443", "https://localhost"),
    ],
)
def test_the_own_page_programs_and_links_from_elsewhere_are_answered(host, origin):
    assert served("POST /gradio_api/queue/join", {"Host": host, "Origin": origin}) == 200
    assert served("POST /gradio_api/queue/join", {"Host": host}) == 200
    linked = {"Host": host, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert served("GET /report/abc", linked) == 200


def test_behind_the_proxy_of_a_space_the_schemes_differ():
    hosts = Hosts.of("", ("me-studio.hf.space",))
    headers = {"Host": "me-studio.hf.space", "Origin": "https://me-studio.hf.space"}
    assert served("POST /gradio_api/queue/join", headers, hosts) == 200


def test_a_person_reads_how_to_mend_it_and_nothing_of_the_name_is_html():
    headers = {"Host": "studio.lan", "Accept": "text/html"}
    page = ask(OwnHosts(echo, Hosts.of("127.0.0.1")), scope_of("GET /", headers)).body.decode()
    assert "--allow-host studio.lan" in page
    headers["Host"] = "<img src=x>"
    assert "<img" not in ask(OwnHosts(echo, Hosts.of("127.0.0.1")), scope_of("GET /", headers)).body.decode()


def test_what_only_this_machine_reaches():
    assert all(map(is_loopback, ("127.0.0.1", "localhost", "::1", "[::1]", "127.5.5.5")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.5", "example.org", "")))
    assert name_of("[::1]:80") == "::1" and name_of("A.b:1") == "a.b" and name_of("a:b") is None

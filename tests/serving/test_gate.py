import json
from dataclasses import replace

import openai
import pytest

from finetune.door.budget import Budget
from finetune.door.hosts import Hosts
from finetune.serving.gate import EACH, Gate
from finetune.serving.key import Key
from tests.door.requests import ask, echo, scope_of
from tests.door.served import raw, status
from tests.serving.live import serving

SECRET = "correct-horse-battery-staple"
OWN = {"Host": "127.0.0.1:8000"}
HAS_KEY = {"Authorization": f"Bearer {SECRET}"}


def gate(key=None, app=echo, **budget):
    return Gate(app, Hosts.of("127.0.0.1"), Key.of(key) if key else None, replace(Budget.local(), **budget))


def asked(given, headers, line="POST /v1/chat/completions", **more):
    """Status and error code of the answer."""
    answer = ask(given, scope_of(line, headers, **more), b"{}")
    return answer.status, json.loads(answer.body)["error"]["code"] if answer.status != 200 else None


def test_programs_of_this_machine_pass():
    for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
        assert asked(gate(), {"Host": host}) == (200, None)


@pytest.mark.threat("T7")
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "", "a@127.0.0.1"])
def test_a_foreign_name_is_refused_without_a_key(host):
    assert asked(gate(), {"Host": host}) == (400, "unknown_host")


def test_two_hosts_and_none_are_refused_always():
    for given in (gate(), gate(SECRET)):
        assert asked(given, [*OWN.items(), ("Host", "evil.example"), *HAS_KEY.items()]) == (400, "unknown_host")
        assert asked(given, HAS_KEY) == (400, "unknown_host")


@pytest.mark.threat("T6", "S1")
@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
    ids=lambda sent: " ".join(sent.values()),
)
def test_a_web_page_is_refused_with_a_key_and_without(sent):
    assert asked(gate(), {**OWN, **sent}) == (403, "foreign_origin")
    assert asked(gate(SECRET), {**OWN, **HAS_KEY, **sent}) == (403, "foreign_origin")
    preflight = {**OWN, **sent, "Access-Control-Request-Method": "POST"}
    answer = ask(gate(SECRET), scope_of("OPTIONS /v1/chat/completions", preflight))
    assert answer.status == 403 and not answer.header("access-control-allow-origin")


def test_with_a_key_it_is_asked_under_any_name():
    given = gate(SECRET)
    assert asked(given, {"Host": "gpu-box.example", **HAS_KEY}) == (200, None)
    assert asked(given, {"Host": "gpu-box.example"}) == (401, "missing_api_key")
    assert asked(given, {"Host": "gpu-box.example", "Authorization": "Bearer wrong"}) == (401, "invalid_api_key")
    assert asked(given, {"Host": "gpu-box.example"}, "GET /health") == (200, None)


@pytest.mark.threat("T37")
def test_wrong_keys_are_slowed_down_and_the_right_one_passes():
    given = gate(SECRET)
    wrong = {**OWN, "Authorization": "Bearer wrong"}
    found = [asked(given, wrong)[0] for _ in range(EACH.most + 2)]
    assert found == [401] * EACH.most + [429] * 2
    answer = ask(given, scope_of("GET /v1/models", wrong))
    assert 0 < int(answer.header("retry-after")) <= EACH.within_s
    assert asked(given, {**OWN, **HAS_KEY}) == (200, None)
    assert asked(given, wrong, client="203.0.113.8")[0] == 401


def test_a_request_that_announces_too_much_is_refused_before_it_is_read():
    assert asked(gate(body_bytes=2**20), {**OWN, "Content-Length": str(2**20 + 1)}) == (413, "too_large")
    assert asked(gate(), {**OWN, "Content-Length": "1x"})[0] == 400


def test_the_client_is_told_of_a_wrong_key(home, models):
    with serving(models, home[0], key=SECRET) as live:
        with live.client("wrong-key-of-a-person") as client, pytest.raises(openai.AuthenticationError) as refused:
            client.models.list()
        assert refused.value.code == "invalid_api_key" and SECRET not in str(refused.value)
        with live.client(SECRET) as client:
            assert len(client.models.list().data) == 2


def test_a_real_request_to_a_foreign_name_or_of_a_foreign_page_is_refused(live):
    lines = ["GET /v1/models HTTP/1.1", "Connection: close"]
    assert status(raw(live.port, "\r\n".join([*lines, "Host: evil.example", "", ""]).encode())) == 400
    own = f"Host: 127.0.0.1:{live.port}"
    assert status(raw(live.port, "\r\n".join([*lines, own, "", ""]).encode())) == 200
    answer = raw(live.port, "\r\n".join([*lines, own, "Origin: https://evil.example", "", ""]).encode())
    assert status(answer) == 403 and b"Web pages may not ask this server" in answer

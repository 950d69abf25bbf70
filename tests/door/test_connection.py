import time
from dataclasses import replace
from http.client import HTTPConnection

import pytest

from finetune.door.budget import Budget
from tests.door.served import connection, head, raw, rest, served, status

BUDGET = replace(Budget.local(), head_s=1.0, stalled_s=2.0, connections=40, connections_each=30)
WITHIN_S = 15
"""From a figure above to the end of a connection, on a loaded machine."""

BIG = 32 * 2**20


async def app(scope, receive, send):
    """Answers ``/big`` with 32 MB, ``/later`` after four seconds and everything else at once."""
    import asyncio

    if scope["type"] != "http":
        return
    if scope["path"] == "/later":
        await asyncio.sleep(4)
    size = BIG if scope["path"] == "/big" else 2
    headers = [(b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(size // 65536):
        await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
    await send({"type": "http.response.body", "body": b"" if size == BIG else b"ok", "more_body": False})


@pytest.fixture(scope="module")
def port():
    with served(app, BUDGET) as serving:
        yield serving.port


def until_closed(at) -> float:
    began = time.monotonic()
    rest(at)
    return time.monotonic() - began


@pytest.mark.threat("S17")
@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA: b"],
    ids=["nothing", "G", "line", "head"],
)
def test_a_connection_without_a_whole_head_is_closed(port, sent):
    with connection(port) as at:
        at.sendall(sent)
        assert until_closed(at) < WITHIN_S


@pytest.mark.threat("S17")
def test_a_head_that_never_ends_is_cut_off_although_something_arrives(port):
    with connection(port) as at:
        at.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - began < WITHIN_S:
                at.sendall(b"X-A: b\r\n")
                time.sleep(0.2)
        assert time.monotonic() - began < WITHIN_S


@pytest.mark.threat("S17")
def test_who_reads_nothing_of_an_answer_is_let_go(port):
    with connection(port) as at:
        at.sendall(head(port, "GET /big HTTP/1.1"))
        time.sleep(BUDGET.stalled_s + 4)
        assert len(rest(at)) < BIG, "the connection was still open"


@pytest.mark.threat("S17")
def test_who_reads_slowly_gets_everything(port):
    with connection(port) as at:
        at.sendall(head(port, "GET /big HTTP/1.1"))
        found = 0
        began = time.monotonic()
        while time.monotonic() - began < 2 * BUDGET.stalled_s + 1:
            found += len(at.recv(2**19))
            time.sleep(0.2)
        assert found + len(rest(at)) > BIG


def test_who_waits_for_an_answer_is_not_cut_off(port):
    assert raw(port, head(port, "GET /later HTTP/1.1")).endswith(b"ok")


def test_a_connection_is_used_again(port):
    client = HTTPConnection("127.0.0.1", port)
    client.connect()
    used = client.sock
    for _ in range(3):
        client.request("GET", "/")
        assert client.getresponse().read() == b"ok" and client.sock is used
        time.sleep(0.3)
    client.close()


@pytest.mark.threat("S17", "T41")
def test_one_address_cannot_take_all_connections():
    patient = replace(BUDGET, head_s=60.0)
    with served(app, patient) as serving:
        port = serving.port
        held = [connection(port, "127.0.0.2") for _ in range(patient.connections_each)]
        time.sleep(0.5)
        refused = raw(port, head(port), "127.0.0.2")
        assert status(refused) == 429 and b"too many connections" in refused
        assert status(raw(port, head(port), "127.0.0.3")) == 200
        for each in held:
            each.close()
        time.sleep(1)
        assert status(raw(port, head(port), "127.0.0.2")) == 200


@pytest.mark.threat("S17", "T41")
def test_there_are_only_so_many_connections_and_then_room_again():
    with served(app, BUDGET) as serving:
        port = serving.port
        held = [connection(port, f"127.0.0.{2 + n % 4}") for n in range(BUDGET.connections)]
        time.sleep(0.3)
        assert status(raw(port, head(port), "127.0.0.9")) == 0, "closed at once"
        began = time.monotonic()
        while status(raw(port, head(port), "127.0.0.9")) != 200:
            assert time.monotonic() - began < WITHIN_S, "the silent ones were not closed"
            time.sleep(0.2)
        for each in held:
            each.close()

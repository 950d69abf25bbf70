import asyncio
import json

import pytest

from finetune.door import excess
from finetune.door.excess import Excess, answer


def answered(scope, pieces=(), as_text=False):
    """The start of the answer, its body, and how many pieces of the request were read before it ended."""
    sent, left = [], [*pieces]

    async def receive():
        return left.pop(0) if left else await asyncio.Event().wait()

    async def send(message):
        sent.append((message, len(left)))

    wanted = Excess(429, "Wait a little.", 7)
    asyncio.run(answer(wanted, {"method": "POST", "headers": [], **scope}, receive, send, as_text))
    (start, _), *bodies = sent
    assert not bodies[-1][0]["more_body"]
    return start, b"".join(each["body"] for each, _ in bodies), len(pieces) - bodies[-1][1]


LAST = {"type": "http.request", "body": b"end", "more_body": False}


def test_the_page_and_programs_are_told_in_json():
    start, body, _ = answered({}, [LAST])
    headers = dict(start["headers"])
    assert start["status"] == 429 and headers[b"retry-after"] == b"7" and headers[b"connection"] == b"close"
    assert json.loads(body) == {"detail": "Wait a little.", "error": "Wait a little."}
    assert int(headers[b"content-length"]) == len(body)


def test_an_upload_is_told_in_plain_words_and_a_person_gets_a_page():
    assert answered({}, [LAST], as_text=True)[1] == b"Wait a little."
    start, body, _ = answered({"method": "GET", "headers": [(b"accept", b"text/html")]}, [LAST])
    assert body.startswith(b"<!doctype html>") and b"Wait a little." in body
    assert dict(start["headers"])[b"retry-after"] == b"7"


def test_the_rest_of_a_request_is_read_before_the_connection_ends():
    more = {"type": "http.request", "body": b"x", "more_body": True}
    assert answered({}, [more, more, LAST])[2] == 3


@pytest.mark.threat("T8")
def test_it_is_not_read_for_ever(monkeypatch):
    monkeypatch.setattr(excess, "LINGER_BYTES", 10)
    monkeypatch.setattr(excess, "LINGER_S", 0.2)
    more = {"type": "http.request", "body": b"12345", "more_body": True}
    assert answered({}, [more] * 100)[2] == 2
    assert answered({}, [more])[2] == 1

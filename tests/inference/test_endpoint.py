"""The client of OpenAI-compatible endpoints, against a stub on loopback."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from finetune.errors import UnreachableError
from finetune.inference import endpoint
from finetune.inference.endpoint import Endpoint


@contextmanager
def serving(reply):
    """A stub whose ``reply(prompt, count)`` is a text, or a status code; gives its address and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, dict(self.headers), body))
            said = reply(body["messages"][-1]["content"], len(asked))
            status, text = (said, {}) if isinstance(said, int) else (200, {"choices": [{"message": {"content": said}}]})
            content = json.dumps(text).encode()
            self.send_response(status)
            if status == 307:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(endpoint, "PAUSES_S", (0.01, 0.01))


def test_each_prompt_gets_its_own_reply(monkeypatch):
    monkeypatch.setenv("FINETUNE_JUDGE_KEY", "secret-7")
    with serving(lambda prompt, count: prompt[::-1]) as (address, asked):
        assert Endpoint(address, "big").replies([f"prompt {n}" for n in range(20)]) == [
            f"prompt {n}"[::-1] for n in range(20)
        ]
    paths, headers, bodies = zip(*asked)
    assert set(paths) == {"/v1/chat/completions"}
    assert {header["Authorization"] for header in headers} == {"Bearer secret-7"}
    assert {(body["model"], body["temperature"]) for body in bodies} == {("big", 0)}


def test_a_busy_endpoint_is_asked_again():
    with serving(lambda prompt, count: 429 if count < 3 else "at last") as (address, asked):
        assert Endpoint(address, "big").replies(["a"]) == ["at last"]
        assert len(asked) == 3


@pytest.mark.parametrize(("status", "times"), [(503, 3), (401, 1), (307, 1)])
def test_an_endpoint_that_refuses_is_named_with_its_reason(status, times, monkeypatch):
    monkeypatch.setenv("FINETUNE_JUDGE_KEY", "secret-7")
    with serving(lambda prompt, count: status) as (address, asked):
        with pytest.raises(UnreachableError, match=f"cannot be asked: it answers {status}") as error:
            Endpoint(address, "big").replies(["a"])
        assert len(asked) == times
    assert "secret-7" not in str(error.value) + error.value.hint


def test_an_endpoint_that_is_not_there_is_named():
    with pytest.raises(UnreachableError, match="The judge at http://127.0.0.1:9/v1/chat/completions cannot be asked"):
        Endpoint("http://127.0.0.1:9/v1", "big").replies(["a"])

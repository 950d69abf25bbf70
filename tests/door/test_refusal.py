import asyncio
import json

import pytest

from finetune.door.refusal import html_page, refusal, refuse_other_protocols
from tests.door.requests import ask, scope_of


def test_a_person_gets_a_page_and_a_program_json():
    person = scope_of("GET /", {"Accept": "text/html,*/*"})
    page = ask(refusal(person, 400, "No <b>.", "Try & again."), person)
    assert page.status == 400 and b"No &lt;b&gt;." in page.body and b"Try &amp; again." in page.body
    for scope in (scope_of("POST /", {"Accept": "text/html"}), scope_of("GET /", {"Accept": "*/*"})):
        answer = ask(refusal(scope, 403, "No.", "Try again."), scope)
        assert json.loads(answer.body) == dict.fromkeys(("detail", "error"), "No. Try again.")
    fetched = scope_of("GET /", {"Accept": "text/html", "Sec-Fetch-Mode": "cors"})
    assert ask(refusal(fetched, 403, "No."), fetched).header("content-type") == "application/json"


@pytest.mark.threat("T42")
def test_its_pages_run_nothing_and_are_not_kept():
    page = html_page("Hello", "<p>x</p>")
    assert "script" not in page.headers["Content-Security-Policy"].replace("default-src 'none'", "")
    assert b"<script" not in page.body and page.headers["Cache-Control"] == "no-store"


def test_a_websocket_is_closed():
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    assert asyncio.run(refuse_other_protocols({"type": "websocket"}, receive, send))
    assert sent[0]["type"] == "websocket.close"
    assert not asyncio.run(refuse_other_protocols({"type": "http"}, receive, send))

import json

import pytest

from finetune.door.sessions import OwnSessions
from finetune.door.visitor import Visitor
from tests.door.requests import ask, echo, scope_of

ADA, BEN = Visitor("ada", "ada", "member"), Visitor("ben", "ben", "member")
GUEST = Visitor("guest at 1.2.3.4", None, "guest")


@pytest.fixture
def app():
    return OwnSessions(echo, lambda function: function in (7, "vote_pick"), most=3)


def asked(app, visitor, line, **body):
    scope = scope_of(line, {"Content-Type": "application/json"}, state={"visitor": visitor})
    return ask(app, scope, json.dumps(body).encode() if body else b"")


@pytest.mark.threat("S19", "T3")
@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("GET /gradio_api/queue/data?session_hash=s1", {}),
        ("GET /gradio_api/heartbeat/s1", {}),
        ("POST /gradio_api/queue/join", {"session_hash": "s1", "fn_index": 1}),
        ("POST /gradio_api/queue/join?session_hash=s1", {"fn_index": 1}),
        ("POST /gradio_api/run/predict", {"session_hash": "s1", "fn_index": 1}),
        ("POST /gradio_api/api/start", {"session_hash": "s1"}),
        ("POST /gradio_api/cancel", {"session_hash": "s1", "event_id": "e", "fn_index": 1}),
        ("POST /gradio_api/reset", {"session_hash": "s1"}),
    ],
)
def test_the_session_of_one_person_is_closed_to_another(app, line, body):
    assert asked(app, ADA, "POST /gradio_api/queue/join", session_hash="s1", fn_index=1).status == 200
    assert asked(app, BEN, line, **body).status == 403
    assert asked(app, ADA, line, **body).status == 200


def test_the_app_still_gets_the_whole_body(app):
    answer = asked(app, ADA, "POST /gradio_api/queue/join", session_hash="s", data=["x" * 100_000])
    assert json.loads(answer.body)["data"] == ["x" * 100_000]
    scope = scope_of("POST /gradio_api/queue/join", state={"visitor": ADA})
    assert ask(app, scope, b"not json").body == b"not json" and ask(app, scope, b"[1]").body == b"[1]"


def test_old_sessions_are_forgotten(app):
    for n in range(10):
        asked(app, ADA, f"GET /gradio_api/queue/data?session_hash={n}")
    assert asked(app, BEN, "GET /gradio_api/queue/data?session_hash=0").status == 200
    assert asked(app, BEN, "GET /gradio_api/queue/data?session_hash=9").status == 403


def test_where_nobody_signs_in_an_address_may_change(app):
    for address in ("1.1.1.1", "2.2.2.2"):
        assert asked(app, Visitor(address), "GET /gradio_api/queue/data?session_hash=s").status == 200


@pytest.mark.threat("T35", "S19")
@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("POST /gradio_api/queue/join", {"fn_index": 7}, 200),
        ("POST /gradio_api/run/predict", {"fn_index": 7}, 200),
        ("POST /gradio_api/run/vote_pick", {}, 200),
        ("POST /gradio_api/queue/join", {"fn_index": 8}, 403),
        ("POST /gradio_api/queue/join", {}, 403),
        ("POST /gradio_api/run/predict", {}, 403),
        ("POST /gradio_api/run/vote_pick", {"fn_index": 8}, 403),
        ("POST /gradio_api/call/start", {}, 403),
        ("POST /gradio_api/call/v2/start", {}, 403),
        ("POST /gradio_api/api/check/", {}, 403),
        ("GET /gradio_api/queue/data?session_hash=g", {}, 200),
        ("GET /gradio_api/info", {}, 200),
    ],
)
def test_a_guest_calls_what_is_for_guests_alone(app, line, body, status):
    assert asked(app, GUEST, line, **body).status == status

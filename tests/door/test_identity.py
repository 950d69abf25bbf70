import time

import pytest

from finetune.door.cookies import Cookies
from finetune.door.identity import INVITED, SIGNED_IN, Identity, Recognizer, is_secure
from finetune.door.members import Members
from finetune.door.passwords import hashed
from tests.door.requests import ask, scope_of

PEOPLE = {"ada": hashed("a"), "olga": hashed("o")}
MEMBERS = Members("password", PEOPLE, frozenset({"olga"}))


@pytest.fixture
def jar(tmp_path):
    return Cookies.of(tmp_path)


@pytest.fixture
def came():
    """The visitors that reached the app."""
    return []


@pytest.fixture
def door(jar, came):
    def door(members=MEMBERS, **more):
        async def app(scope, receive, send):
            came.append(scope["state"]["visitor"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})

        return Identity(app, Recognizer(members, jar, **more))

    return door


def cookie(jar, name, purpose=SIGNED_IN, stamp=None):
    value = INVITED if purpose == INVITED else [name, stamp or MEMBERS.stamp(name)]
    return {"Cookie": jar.made(purpose, value).partition(";")[0]}


def test_where_nobody_signs_in_everyone_is_an_owner_counted_by_address(door, came):
    assert ask(door(Members()), scope_of("GET /")).status == 200
    assert (came[0].key, came[0].name, came[0].role) == ("203.0.113.7", None, "owner")


@pytest.mark.threat("T35", "S19")
@pytest.mark.parametrize(
    "line",
    [
        "GET /config",
        "POST /gradio_api/queue/join",
        "GET /gradio_api/queue/data",
        "POST /gradio_api/upload",
        "GET /vote",
    ],
)
def test_without_a_sign_in_nothing_is_answered(door, came, line):
    assert ask(door(), scope_of(line)).status == 401 and came == []


def test_a_person_is_shown_where_to_sign_in_and_comes_back(door):
    answer = ask(door(), scope_of("GET /?tab=train", {"Accept": "text/html"}))
    assert answer.status == 303 and answer.header("location") == "/login?next=%2F%3Ftab%3Dtrain"


@pytest.mark.parametrize(("name", "role"), [("ada", "member"), ("olga", "owner")])
def test_who_signed_in_is_known(door, jar, came, name, role):
    assert ask(door(), scope_of("GET /", cookie(jar, name))).status == 200
    assert (came[0].key, came[0].name, came[0].role, came[0].owners) == (name, name, role, frozenset({"olga"}))


@pytest.mark.threat("T37")
def test_a_cookie_of_an_older_password_or_of_who_is_gone_counts_no_more(door, jar):
    assert ask(door(), scope_of("GET /", cookie(jar, "ada", stamp="0" * 16))).status == 401
    assert ask(door(), scope_of("GET /", cookie(jar, "eve"))).status == 401
    forged = {"Cookie": f"{jar.name(SIGNED_IN)}=WyJvbGdhIiwieCJd.abc.def"}
    assert ask(door(), scope_of("GET /", forged)).status == 401


@pytest.mark.threat("S19")
def test_the_link_of_a_blind_test_opens_its_page_and_nothing_else(door, jar, came):
    app = door(opens_vote=lambda key: key == "right")
    opened = ask(app, scope_of("GET /vote?key=right"))
    assert opened.status == 200 and came[-1].role == "guest" and not came[-1].may_train
    invited = {"Cookie": opened.header("set-cookie").partition(";")[0]}
    assert ask(app, scope_of("POST /gradio_api/queue/join", invited)).status == 200
    for line in ("GET /", "GET /config", "POST /gradio_api/upload", "GET /download/a/b"):
        assert ask(app, scope_of(line, invited)).status == 401
    assert ask(app, scope_of("GET /vote?key=wrong")).status == 401
    assert ask(app, scope_of("GET /?key=right")).status == 401


def test_on_a_space_the_address_is_the_one_that_its_proxy_saw(door, came):
    headers = {"X-Forwarded-For": "10.9.9.9, 198.51.100.4"}
    ask(door(Members(), is_behind_proxy=True), scope_of("GET /", headers))
    ask(door(Members()), scope_of("GET /", headers))
    assert [each.key for each in came] == ["198.51.100.4", "203.0.113.7"]


@pytest.mark.threat("T31")
def test_with_hugging_face_the_session_says_who_it_is(door, came):
    members = Members("huggingface", {}, frozenset({"acme"}), None, "watch")

    def session(name, until, orgs=()):
        told = {"preferred_username": name, "orgs": [{"preferred_username": each} for each in orgs]}
        return {"session": {"oauth_info": {"userinfo": told, "expires_at": until}}}

    later = time.time() + 1000
    assert ask(door(members), scope_of("GET /", **session("zoe", later, ["acme"]))).status == 200
    assert ask(door(members), scope_of("GET /", **session("eve", later))).status == 200
    assert [each.role for each in came] == ["owner", "watcher"]
    for bad in (session("zoe", 1, ["acme"]), session(None, later), {"session": {}}, {}):
        assert ask(door(members), scope_of("GET /", **bad)).status == 401


def test_https_is_known_also_behind_a_proxy():
    assert is_secure(scope_of("GET /", scheme="https")) and not is_secure(scope_of("GET /"))
    assert is_secure(scope_of("GET /", {"X-Forwarded-Proto": "https, http"}))

from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from finetune.door.cookies import Cookies
from finetune.door.identity import SIGNED_IN, Recognizer
from finetune.door.members import Members
from finetune.door.passwords import hashed
from finetune.door.sign_in import EACH, SignIn

MEMBERS = Members("password", {"ada": hashed("right"), "ben": hashed("b")}, frozenset(), frozenset({"ada"}), "none")


@pytest.fixture
def client(tmp_path):
    def client(members=MEMBERS, address="testclient"):
        app = Starlette(routes=SignIn(Recognizer(members, Cookies.of(tmp_path))).routes())
        return TestClient(app, follow_redirects=False, client=(address, 1))

    return client


def enter(client, name="ada", password="right", **more):
    form = {"name": name, "password": password, **more}
    return client.post("/login", data=form, headers={"Accept": "text/html"})


def test_a_right_password_opens_and_leads_back(client, tmp_path):
    answer = enter(client(), next="/?tab=train")
    assert answer.status_code == 303 and answer.headers["location"] == "/?tab=train"
    name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
    assert Cookies.of(tmp_path).read(SIGNED_IN, {name: value}) == ["ada", MEMBERS.stamp("ada")]


def test_a_program_signs_in_as_the_client_of_gradio_does(client):
    answer = client().post("/login", data={"username": "ada", "password": "right"})
    assert answer.status_code == 200 and answer.json() == {"success": True} and len(answer.cookies) == 1


@pytest.mark.threat("T37")
def test_a_wrong_name_and_a_wrong_password_read_the_same(client):
    wrong, unknown = enter(client(), "ada", "wrong"), enter(client(), "eve", "wrong")
    assert wrong.status_code == unknown.status_code == 401 and "set-cookie" not in wrong.headers
    assert wrong.text.replace("ada", "eve") == unknown.text and "Name or password is wrong." in wrong.text
    assert "wrong'" not in wrong.text  # the password is not sent back


@pytest.mark.threat("T37")
def test_of_two_hundred_attempts_five_are_looked_at(client, monkeypatch):
    looked = []
    monkeypatch.setattr(Members, "knows", lambda self, name, password: looked.append(password))
    one = client()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: enter(one, password=str(n)), range(200)))
    assert len(looked) == EACH.most == 5
    refused = [each for each in answers if each.status_code == 429]
    assert len(refused) == 195 and int(refused[0].headers["retry-after"]) <= 60
    assert "Too many attempts. Try again in" in refused[0].text


@pytest.mark.threat("T37")
def test_a_forged_address_gives_no_further_attempts(client):
    one = client()
    for n in range(8):
        data = {"name": "ada", "password": "x"}
        answer = one.post("/login", data=data, headers={"X-Forwarded-For": f"10.0.0.{n}", "X-Real-IP": f"10.0.0.{n}"})
    assert answer.status_code == 429


def test_a_right_one_starts_the_count_anew(client):
    one = client()
    for _ in range(3):
        assert [enter(one, password="x").status_code for _ in range(4)] == [401] * 4
        assert enter(one).status_code == 303


@pytest.mark.threat("S19")
def test_who_may_not_come_in_is_told(client):
    answer = enter(client(), "ben", "b")
    assert answer.status_code == 403 and "You may not use this studio." in answer.text


@pytest.mark.threat("T5", "S16")
@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "\t//evil.example"])
def test_nobody_is_led_to_another_site(client, target):
    assert enter(client(), next=target).headers["location"] == "/"
    assert client().get("/login", params={"next": target}).text.count("evil.example") == 0
    left = client().post("/logout", headers={"Host": "evil.example"})
    assert left.headers["location"] == "/login" and "Max-Age=0" in left.headers["set-cookie"]


@pytest.mark.threat("T14", "T36")
def test_what_is_typed_is_text_and_not_endless(client):
    page = enter(client(), "<img src=x onerror=alert(1)>", "x")
    assert "<img" not in page.text and "&lt;img" in page.text
    assert enter(client(), "a" * 20_000).status_code == 413
    assert enter(client(), "a", "x" * 5_000).status_code == 401
    assert client().post("/login", content=b"\xff\xfe%%%=&&&name=ada").status_code == 401


def test_where_nobody_signs_in_there_is_no_form(client):
    assert client(Members()).get("/login").headers["location"] == "/"
    assert enter(client(Members())).status_code == 404


def test_with_hugging_face_there_is_a_link_and_no_password(client):
    page = client(Members("huggingface")).get("/login", params={"next": "/?tab=data&x='"})
    assert "Sign in with Hugging Face" in page.text and "<input" not in page.text
    assert (
        "_target_url=%2F%3Ftab%3Ddata%26x%3D%27" in page.text
        and enter(client(Members("huggingface"))).status_code == 404
    )

"""The site as a whole: its addresses, its middlewares in their order, and what Gradio would serve besides."""

import pytest
from starlette.testclient import TestClient

from finetune.door.members import Members
from finetune.door.options import Door
from finetune.door.passwords import hashed
from finetune.ui.site import FOR_GUESTS, site

WITH_PASSWORD = Door(Members("password", {"ada": hashed("right")}, frozenset({"ada"})))


@pytest.fixture
def client(studio):
    def client(door=Door()):
        return TestClient(site(studio, door), base_url="http://localhost:7860", follow_redirects=False)

    return client


@pytest.mark.threat("T6", "T7", "T42")
def test_every_middleware_stands_before_the_page(client):
    one = client()
    page = one.get("/")
    assert page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"]
    assert one.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert one.get("/", headers={"Host": "evil.example"}).headers["x-content-type-options"] == "nosniff"
    assert one.post("/gradio_api/upload", headers={"Origin": "http://evil.example"}).status_code == 403
    assert one.get("/gradio_api/file=/etc/passwd").status_code == 404
    assert one.get("/gradio_api/file=/etc/passwd").headers["x-content-type-options"] == "nosniff"


@pytest.mark.threat("T35")
def test_with_a_password_the_page_begins_with_the_sign_in(client):
    one = client(WITH_PASSWORD)
    assert one.get("/config").status_code == 401
    assert one.get("/", headers={"Accept": "text/html"}).headers["location"] == "/login?next=%2F"
    assert "<form method='post' action='/login'>" in one.get("/login").text
    assert one.post("/login", data={"name": "ada", "password": "right"}).status_code == 200
    assert one.get("/config").status_code == 200
    assert one.post("/logout").status_code == 303 and one.get("/config").status_code == 401


def test_the_functions_for_guests_are_those_of_the_blind_test(studio):
    page = site(studio).state.page
    assert {function.api_name for function in page.fns.values()} >= set(FOR_GUESTS)
    assert all(name.startswith("vote_") for name in FOR_GUESTS)

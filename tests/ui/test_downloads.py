import os
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from finetune.door.members import Members
from finetune.door.options import Door
from finetune.door.passwords import hashed
from finetune.door.visitor import Visitor
from finetune.ui import visitor
from finetune.ui.downloads import LASTS_S, Downloads
from finetune.ui.site import site
from finetune.ui.studio import Studio

PEOPLE = {name: hashed(name) for name in ("ada", "ben")}
PASSWORDS = Door(Members("password", PEOPLE, frozenset({"ada"})))


@pytest.fixture
def client(studio):
    def client(name=None, door=Door()):
        one = TestClient(site(studio, door), base_url="http://localhost:7860", follow_redirects=False)
        if name:
            one.post("/login", data={"name": name, "password": name})
        return one

    return client


def offered(studio, name="a file.html", content=b"<script>alert(1)</script>"):
    path = studio.downloads.folder() / name
    path.write_bytes(content)
    return "/" + studio.downloads.link(path)


def left(studio) -> list[Path]:
    return list(studio.downloads.place.rglob("*"))


@pytest.mark.threat("T13", "S11")
def test_a_file_is_fetched_once_as_an_attachment_and_is_then_gone(studio, client):
    one, link = client(), offered(studio)
    assert one.head(link).status_code == 200
    got = one.get(link)
    assert got.status_code == 200 and got.content == b"<script>alert(1)</script>"
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff" and got.headers["cache-control"] == "no-store"
    assert got.headers["content-disposition"].startswith("attachment") and "a%20file.html" in str(got.headers)
    assert left(studio) == [] and one.get(link).status_code == 404


@pytest.mark.threat("T3", "S19")
def test_a_link_is_of_no_use_to_anybody_else(studio, client, monkeypatch):
    monkeypatch.setattr(visitor, "current", lambda: Visitor("ada", "ada"))
    link = offered(studio)
    for other in (client("ben", PASSWORDS), client(door=PASSWORDS)):
        assert other.get(link).status_code in (401, 404)
    assert len(left(studio)) == 2, "a try of another does not take it away"
    assert client("ada", PASSWORDS).get(link).status_code == 200


@pytest.mark.threat("T1", "T12")
@pytest.mark.parametrize("path", ["download/x/y", "download/../../etc/passwd", "download//a", "download/%2e%2e/a"])
def test_a_link_that_was_never_given_leads_nowhere(client, path):
    assert client().get(f"/{path}").status_code == 404


def test_a_name_in_the_link_decides_nothing(studio, client):
    link = offered(studio)
    got = client().get(link.rpartition("/")[0] + "/..%5cother.exe")
    assert got.status_code == 200 and "other" not in got.headers["content-disposition"]


@pytest.mark.threat("S11")
def test_what_nobody_fetches_is_deleted_after_an_hour(studio, client):
    old, new = offered(studio), offered(studio)
    first = next(each for each in studio.downloads.place.iterdir() if (each / "a file.html").exists())
    os.utime(first, (time.time() - LASTS_S - 1,) * 2)
    assert studio.downloads.sweep() and len(list(studio.downloads.place.iterdir())) == 1
    assert sorted(client().get(link).status_code for link in (old, new)) == [200, 404]
    assert not studio.downloads.sweep()


@pytest.mark.threat("S11")
def test_a_new_process_begins_without_the_files_of_the_last(studio, workspace):
    offered(studio)
    assert Studio(workspace).downloads.place.exists() is False


def test_there_is_no_link_without_a_file(tmp_path):
    assert Downloads(tmp_path / "files").link(None) == "" and not (tmp_path / "files").exists()


@pytest.mark.threat("S11", "S15")
def test_the_files_are_private_and_nothing_is_written_elsewhere(studio, tmp_path, monkeypatch):
    from finetune.ui.method.recipe_box import download

    elsewhere = tmp_path / "tmp"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    for _ in range(5):
        assert download(studio.downloads, "broken: [").endswith("/recipe.yaml")
    assert list(elsewhere.iterdir()) == [] and len(list(studio.downloads.place.rglob("recipe.yaml"))) == 5
    assert all(each.stat().st_mode & 0o077 == 0 for each in studio.downloads.place.iterdir())

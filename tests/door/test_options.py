import argparse

import pytest

from finetune.door.options import add_options, door_of
from finetune.errors import SettingError

VARIABLES = ("AUTH", "OWNERS", "TRAINERS", "OTHERS", "ALLOW_HOST")


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in (*(f"FINETUNE_{each}" for each in VARIABLES), "SPACE_ID", "SPACE_HOST", "OAUTH_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)


def door(*options: str, host: str = "127.0.0.1"):
    parser = argparse.ArgumentParser()
    add_options(parser)
    given = parser.parse_args(options)
    given.host = host
    return door_of(given)


def test_on_this_machine_nobody_signs_in():
    found = door()
    assert not found.members.must_sign_in and not found.is_shared and found.words == ""
    assert found.hosts.has("localhost:7860") and not found.hosts.has("192.168.1.5")


@pytest.mark.threat("T38")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "studio.lan"])
def test_open_to_others_needs_a_password_or_a_word(host):
    with pytest.raises(SettingError, match="nobody would have to sign in.*--auth name:password.*--insecure"):
        door(host=host)
    assert door("--auth", "ada:x", host=host).members.must_sign_in
    assert "Nobody has to sign in" in door("--insecure", host=host).words


def test_people_come_from_options_a_file_and_the_environment(tmp_path, monkeypatch):
    (tmp_path / "people").write_text("# ours\nben:two three\n")
    monkeypatch.setenv("FINETUNE_AUTH", "cem:3 dora:4")
    monkeypatch.setenv("FINETUNE_OWNERS", "ada, cem")
    found = door("--auth", "ada:1", "--auth-file", str(tmp_path / "people"), "--owner", "dora").members
    assert set(found.passwords) == {"ada", "ben", "cem", "dora"} and found.owners == {"ada", "cem", "dora"}
    assert found.knows("ben", "two three") and found.knows("cem", "3") and not found.knows("cem", "4")


@pytest.mark.threat("S19")
def test_one_person_owns_the_studio_and_of_several_nobody_unless_named():
    assert door("--auth", "ada:1").members.owners == {"ada"}
    several = door("--auth", "ada:1", "--auth", "ben:2")
    assert several.members.owners == frozenset() and "No owner is named" in several.words
    assert door("--auth", "ada:1", "--auth", "ben:2", "--owner", "ben").members.role("ben") == "owner"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--auth", "ada"], "not a name and a password"),
        (["--auth", "ada:1", "--owner", "eve"], "eve has no password"),
        (["--owner", "eve"], "nobody can sign in"),
        (["--auth-file", "/nowhere/people"], "cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, words):
    with pytest.raises(SettingError, match=words):
        door(*options)


@pytest.mark.threat("T32")
@pytest.mark.parametrize(
    ("options", "host", "alone"),
    [
        ([], "127.0.0.1", True),
        (["--auth", "ada:1"], "0.0.0.0", True),
        (["--auth", "ada:1", "--auth", "ben:2"], "127.0.0.1", False),
        (["--auth", "ada:1", "--auth", "ben:2", "--owner", "ada"], "127.0.0.1", False),
        (["--insecure"], "0.0.0.0", False),
    ],
)
def test_the_owners_own_accounts_are_used_where_owners_alone_come_in(options, host, alone):
    assert door(*options, host=host).is_owners_alone is alone


@pytest.mark.threat("T33")
def test_passwords_do_not_stay_in_the_environment(monkeypatch):
    import os

    from finetune.door.options import forget_secrets

    monkeypatch.setenv("FINETUNE_AUTH", "ada:1")
    forget_secrets()
    assert "FINETUNE_AUTH" not in os.environ


def test_a_file_that_names_nobody_opens_to_nobody(tmp_path):
    (tmp_path / "people").write_text("# nobody yet\n")
    with pytest.raises(SettingError, match="names nobody"):
        door("--auth-file", str(tmp_path / "people"), "--insecure", host="0.0.0.0")


def test_further_names_of_this_server(monkeypatch):
    monkeypatch.setenv("FINETUNE_ALLOW_HOST", "one.example, two.example")
    found = door("--allow-host", "three.example")
    assert all(found.hosts.has(f"{name}.example") for name in ("one", "two", "three"))


@pytest.mark.threat("T31", "T38")
def test_on_a_space(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "me/studio")
    monkeypatch.setenv("SPACE_HOST", "me-studio.hf.space")
    found = door(host="0.0.0.0")
    assert found.is_space and not found.members.must_sign_in and "Nobody has to sign in" in found.words
    assert found.hosts.has("me-studio.hf.space") and not found.hosts.has("evil.example")
    for name in ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SPACE_AUTHOR_NAME", "me")
    found = door(host="0.0.0.0")
    assert found.members.way == "huggingface" and found.members.role("me") == "owner"
    assert found.members.role("eve") == "watcher" and "others may watch and ask" in found.words
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "")
    with pytest.raises(SettingError, match="OAUTH_CLIENT_SECRET is not set"):
        door(host="0.0.0.0")
    monkeypatch.setenv("FINETUNE_AUTH", "ada:1")  # passwords instead of accounts
    assert door(host="0.0.0.0").members.way == "password"

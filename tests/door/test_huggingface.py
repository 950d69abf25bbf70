"""Signing in with Hugging Face: where it is offered, and what a session says."""

import time

import pytest

from finetune.door import huggingface
from finetune.errors import SettingError


@pytest.fixture
def space(monkeypatch):
    for name in huggingface.NEEDED:
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SPACE_ID", "me/studio")
    monkeypatch.setenv("OPENID_PROVIDER_URL", "https://huggingface.co")


@pytest.mark.threat("T31")
def test_it_is_offered_on_a_space_that_has_all_it_needs_and_nowhere_else(space, monkeypatch):
    assert huggingface.is_offered() and huggingface.provider() == "https://huggingface.co"
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "")
    with pytest.raises(SettingError, match="OAUTH_CLIENT_SECRET is not set"):
        huggingface.is_offered()
    monkeypatch.delenv("SPACE_ID")
    assert not huggingface.is_offered() and huggingface.provider() == ""


def test_who_signed_in_is_read_until_it_expires():
    told = {"preferred_username": "zoe", "orgs": [{"preferred_username": "acme"}, {}]}
    scope = {"session": {"oauth_info": {"userinfo": told, "expires_at": time.time() + 60}}}
    assert huggingface.person(scope) == ("zoe", frozenset({"acme"}))
    scope["session"]["oauth_info"]["expires_at"] = time.time() - 1
    assert huggingface.person(scope) == (None, frozenset())
    huggingface.forget(scope)
    assert scope == {"session": {}} and huggingface.person({}) == (None, frozenset())

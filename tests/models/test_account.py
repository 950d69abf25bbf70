"""Whose token a push uses, what the account is called, and that no refusal tells the token."""

import pytest

from finetune.errors import FinetuneError, RunError, UnreachableError
from finetune.models.account import account, refusals, token_or_refuse
from finetune.models.hub import share_token
from tests.hub_writing import Fault


@pytest.fixture
def shared_again():
    yield
    share_token(True)


def test_the_token_of_a_person_comes_before_that_of_the_machine(hub):
    assert token_or_refuse() == hub.token and token_or_refuse("hf_of_a_visitor") == "hf_of_a_visitor"


def test_without_a_token_it_is_said_how_to_log_in(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "/nonexistent")
    with pytest.raises(RunError, match="hf auth login"):
        token_or_refuse()


@pytest.mark.threat("T32")
def test_on_a_page_that_is_open_to_others_the_owners_token_is_used_for_nobody(hub, shared_again):
    share_token(False)
    with pytest.raises(RunError, match="used for nobody else"):
        token_or_refuse()
    assert account(token_or_refuse("hf_" + "BensOwnToken0123456789ab")) == "ben"


def test_offline_it_is_refused_before_any_request(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RunError, match="HF_HUB_OFFLINE"):
        token_or_refuse("hf_of_a_visitor")
    assert hub.asked == []


def test_the_account_has_its_name_and_a_wrong_token_none(hub):
    assert account(hub.token) == "ada"
    with pytest.raises(RunError, match="does not know this token") as caught:
        account("hf_" + "NobodysToken0123456789")
    assert "hf auth login" in caught.value.hint and "Nobodys" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault("whoami"), UnreachableError, "broke off"),
        (Fault("whoami", 503), UnreachableError, "fault of its own"),
        (Fault("whoami", 429), UnreachableError, "too many requests"),
        (Fault("whoami", 403), RunError, "may not write"),
        (Fault("whoami", 409), RunError, "meanwhile"),
        (Fault("whoami", 418), RunError, "refuses it"),
    ],
)
def test_what_the_hub_answers_becomes_a_sentence(hub, fault, kind, words):
    hub.faults = [fault]
    with pytest.raises(kind, match=words) as caught:
        account(hub.token)
    assert hub.token not in str(caught.value) and caught.value.hint and caught.value.__cause__ is None


def test_a_refusal_of_the_client_tells_no_token(hub):
    with pytest.raises(FinetuneError) as caught, refusals("me/x", hub.token):
        raise ValueError(f"Bad header {hub.token}")
    assert hub.token not in str(caught.value)
    with pytest.raises(ZeroDivisionError), refusals("me/x", None):
        raise ZeroDivisionError

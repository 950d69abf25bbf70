"""Pushes to a stand-in of the Hub: what arrives, what is not sent again, and what is refused."""

import threading
from dataclasses import replace

import pytest

from finetune.errors import RunError, UnreachableError
from finetune.models.push import Push, differing
from finetune.runs.job import Stopped
from tests.hub_writing import Fault

LARGE, SMALL = b"weights " * 40_000, b'{"a": 1}'


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "sent"
    (folder / "below").mkdir(parents=True)
    (folder / "a.safetensors").write_bytes(LARGE)
    (folder / "below" / "b.safetensors").write_bytes(LARGE[::-1])
    (folder / "config.json").write_bytes(SMALL)
    return folder


@pytest.fixture
def told():
    return []


@pytest.fixture
def pushed(hub, told):
    pushed = Push("ada/pirate", hub.token, lambda what, share: told.append((what, share)))
    pushed.create(private=True)
    return pushed


def arrived(hub, repo="ada/pirate") -> dict[str, bytes]:
    return {name: content for name, content in hub.repos[repo].files.items() if name != ".gitattributes"}


def sent(hub) -> list[int]:
    return [count for _, count in hub.received]


def test_what_arrives_is_what_was_sent_in_one_commit(hub, pushed, folder, told):
    commit = pushed.send(folder, "A model")
    expected = {"a.safetensors": LARGE, "below/b.safetensors": LARGE[::-1], "config.json": SMALL}
    assert arrived(hub) == expected and hub.repos["ada/pirate"].commit == commit
    assert len(hub.repos["ada/pirate"].commits) == 2 and hub.created[0]["visibility"] == "private"
    assert not differing(folder, pushed.files()) and pushed.is_private()
    assert "uploading a.safetensors (312 kB)" in [what for what, _ in told]
    shares = [share for _, share in told]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_the_storage_never_sees_the_token(hub, pushed, folder):
    pushed.send(folder, "A model")
    tokens = {address.split("/")[0].split(":")[0]: token for _, address, token in hub.asked}
    assert tokens == {"127.0.0.1": f"Bearer {hub.token}", "localhost": None}
    assert hub.token not in repr(pushed)


def test_a_connection_that_breaks_in_the_middle_is_tried_again_and_what_arrived_is_not_sent_again(hub, pushed, folder):
    hub.faults = [Fault("PUT /storage", after=100_000, skip=1, times=2)]
    pushed.send(folder, "A model")
    assert arrived(hub)["below/b.safetensors"] == LARGE[::-1]
    assert sent(hub)[0] == len(LARGE) and sent(hub).count(len(LARGE)) == 2 and sent(hub)[1:3] == [100_000, 100_000]


def test_a_push_that_ended_is_continued_with_what_is_missing(hub, pushed, folder, told):
    hub.faults = [Fault("PUT /storage", after=10, skip=1, times=1000)]
    with pytest.raises(UnreachableError, match="tried 4 times") as caught:
        pushed.send(folder, "A model")
    assert "not sent again" in caught.value.hint and len(hub.repos["ada/pirate"].commits) == 1
    assert any("waiting to try again, 3 tries left" in what for what, _ in told)
    assert any("1 try left" in what for what, _ in told)
    hub.faults, hub.received = [], []
    pushed.send(folder, "A model")
    assert sent(hub) == [len(LARGE)] and len(arrived(hub)) == 3


def test_it_ends_between_two_files_and_nothing_of_it_is_in_the_repository(hub, pushed, folder):
    stops = threading.Event()

    def report(what, share):
        if what.startswith("uploading below"):
            stops.set()

    with pytest.raises(Stopped):
        replace(pushed, report=report, stopped=stops.is_set).send(folder, "A model")
    assert arrived(hub) == {} and sent(hub) == [len(LARGE)] * 2
    hub.received = []
    pushed.send(folder, "A model")
    assert sent(hub) == [] and len(arrived(hub)) == 3


def test_a_wait_ends_when_it_should(hub, pushed, folder, monkeypatch):
    monkeypatch.setattr("finetune.models.push.PAUSES_S", (60.0,))
    hub.faults = [Fault("POST .*preupload", times=1000)]
    waits = threading.Event()
    with pytest.raises(Stopped):
        stopping = replace(pushed, report=lambda what, share: waits.set() if "waiting" in what else None)
        replace(stopping, stopped=waits.is_set).send(folder, "A model")


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_hub_is_asked_again(hub, pushed, folder, status):
    hub.faults = [Fault("POST .*commit", status, {}), Fault("POST .*batch", status, {"Retry-After": "7"})]
    pushed.send(folder, "A model")
    assert len(arrived(hub)) == 3
    if status == 429:
        assert any(seconds >= 7 for seconds in hub.waits)


def test_a_commit_waits_as_long_as_the_hub_says(hub, pushed, folder, monkeypatch):
    waits = []
    monkeypatch.setattr(Push, "_wait", lambda self, seconds: waits.append(seconds))
    hub.faults = [Fault("POST .*commit", 429, {"Retry-After": after}) for after in ("7", "9999", "soon")]
    pushed.send(folder, "A model")
    assert waits == [7.0, 300.0, 0.01]


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "does not know this token"), (403, "may not write"), (409, "meanwhile"), (422, "refuses it")],
)
def test_a_refusal_is_not_tried_again(hub, pushed, folder, status, words):
    hub.faults = [Fault("POST .*commit", status, times=9)]
    with pytest.raises(RunError, match=words):
        pushed.send(folder, "A model")
    assert hub.faults[0].times == 8 and arrived(hub) == {}


def test_a_namespace_of_somebody_else_is_refused(hub, folder):
    with pytest.raises(RunError, match="may not write"):
        Push("ben/pirate", hub.token).create(private=True)
    assert "ben/pirate" not in hub.repos


@pytest.mark.parametrize("spoils", [".safetensors", "config.json"])
def test_what_arrived_damaged_is_found(hub, pushed, folder, spoils):
    hub.spoils = spoils
    with pytest.raises(RunError, match="not what was sent"):
        pushed.send(folder, "A model")


def test_with_replace_other_files_go_and_those_of_other_folders_stay(hub, folder):
    hub.create("ada/pirate", **{"old.bin": b"x", "elsewhere/kept.txt": b"y"})
    pushed = Push("ada/pirate", hub.token)
    pushed.send(folder, "A model", below="last/")
    assert "old.bin" in arrived(hub) and arrived(hub)["last/config.json"] == SMALL
    (folder / "config.json").unlink()
    pushed.send(folder, "A model", below="last/", replace=True)
    assert "old.bin" in arrived(hub) and "last/config.json" not in arrived(hub)
    pushed.send(folder, "A model", replace=True)
    assert set(arrived(hub)) == {"a.safetensors", "below/b.safetensors"}


def test_a_commit_that_arrived_though_its_answer_did_not_is_no_second_one(hub, pushed, folder):
    pushed.send(folder, "A model")
    pushed.send(folder, "A model")
    assert len(hub.repos["ada/pirate"].commits) == 2


def test_a_repository_that_is_not_there_has_no_files(hub):
    nowhere = Push("ada/none", hub.token)
    assert nowhere.files() is None and nowhere.is_private() is None

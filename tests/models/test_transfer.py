"""Broken, slow and wrong connections to a stub of the Hub: what is here is kept, and nothing comes twice."""

import threading
import time

import pytest

from finetune.errors import ModelError, UnreachableError
from finetune.models.download import find_cached, obtain
from finetune.models.transfer import Stopped
from tests.hub_stub import Repo
from tests.models.test_download import MODEL, WEIGHTS, content


@pytest.mark.parametrize("breaks", [[50_000], [1, 0, 70_000, 20_000, 0]])
def test_after_a_break_it_goes_on_where_it_broke(serve, files, breaks):
    with serve(Repo(files, breaks=list(breaks))) as hub:
        assert content(obtain(MODEL)) == files
    parts = [(start, count) for name, start, count in hub.sent if name == WEIGHTS]
    assert [count for _, count in parts[:-1]] == breaks
    assert all(start == before + count for (before, count), (start, _) in zip(parts, parts[1:]))
    assert hub.bytes_of(WEIGHTS) == len(files[WEIGHTS]), "nothing came twice"


def test_a_connection_that_stays_broken_is_told_with_what_is_here_and_the_next_time_goes_on(serve, files):
    with serve(Repo(files, breaks=[100_000, 0, 0, 0, 0, 0])) as hub:
        with pytest.raises(UnreachableError) as caught:
            obtain(MODEL)
        assert "broke off and could not be continued: 98 kB of" in caught.value.message
        assert "what is here is not downloaded again" in caught.value.hint
        hub.repos["me/model"].breaks.clear()
        assert content(obtain(MODEL)) == files
    assert hub.bytes_of(WEIGHTS) == len(files[WEIGHTS])
    assert [start for name, start, _ in hub.sent if name == WEIGHTS][-1] == 100_000


def test_a_server_without_ranges_sends_the_file_from_its_beginning(serve, files):
    with serve(Repo(files, breaks=[100_000], has_ranges=False)):
        assert content(obtain(MODEL)) == files


def test_it_stops_in_the_middle_of_a_slow_file_and_keeps_what_came(serve, files):
    asked, seen = threading.Event(), []

    def report(done, total):
        seen.append((done, total))
        if done > 3 * 2**14:
            asked.set()

    with serve(Repo(files, pause_s=0.05)) as hub:
        with pytest.raises(Stopped):
            obtain(MODEL, asked.is_set, report)
        assert not find_cached(MODEL) and seen[-1][0] < seen[-1][1] == len(files[WEIGHTS])
        hub.repos["me/model"].pause_s = 0.0
        assert content(obtain(MODEL)) == files
    assert max(start for name, start, _ in hub.sent if name == WEIGHTS) >= 3 * 2**14


def test_it_stops_while_the_server_is_silent(serve, files):
    with serve(Repo(files, pause_s=20.0)):
        began = time.monotonic()
        with pytest.raises(Stopped):
            obtain(MODEL, lambda: time.monotonic() > began + 0.3)
    assert time.monotonic() - began < 5


def test_a_file_that_arrives_damaged_is_not_kept(serve, files):
    damaged = Repo(files)
    damaged.part = lambda name, start, count: (b"\0" * count) if name == WEIGHTS else files[name][start : start + count]
    with serve(damaged), pytest.raises(ModelError, match="arrived damaged"):
        obtain(MODEL)
    with serve(Repo(files)):
        assert content(obtain(MODEL)) == files


def test_the_token_goes_to_the_hub_and_not_to_where_it_sends_us(serve, files, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "a-token")
    with serve(Repo(files)) as hub:
        obtain(MODEL)
    tokens = {(path.startswith("cdn/"), token) for _, path, token in hub.asked}
    assert tokens == {(False, "Bearer a-token"), (True, None)}


@pytest.mark.parametrize("statuses", [[403], [403, 502], [410]])
def test_a_link_that_has_expired_is_asked_for_again(serve, files, statuses):
    with serve(Repo(files, elsewhere=list(statuses))) as hub:
        assert content(obtain(MODEL)) == files
    links = [path for _, path, _ in hub.asked if "/resolve/" in path and path.endswith(WEIGHTS)]
    assert len(links) == len(statuses) + 1


def test_a_storage_that_refuses_every_link_is_told(serve, files):
    with serve(Repo(files, elsewhere=[403] * 9)), pytest.raises(UnreachableError, match="0 bytes of 180 kB are here"):
        obtain(MODEL)


def test_files_of_the_same_content_come_once_and_are_all_there(serve, files):
    same = {f"{name}.json": files[WEIGHTS] for name in ("a", "b", "c", "d")}
    with serve(Repo({**files, **same}, pause_s=0.01)) as hub:
        assert content(obtain(MODEL)) == {**files, **same}
    assert sum(hub.bytes_of(f"{name}.json") for name in "abcd") == len(files[WEIGHTS])

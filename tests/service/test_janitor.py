import os
import shutil
import time
from collections import namedtuple

import pytest

from finetune.recipe import Recipe
from finetune.service import janitor
from tests.pace import wait_for

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def aged(path, seconds):
    """``path`` with all in it, as if nobody had touched it for so long."""
    then = time.time() - seconds
    for each in [*path.rglob("*"), path] if path.is_dir() else [path]:
        os.utime(each, (then, then))
    return path


def made(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.threat("T8", "S11")
def test_what_a_server_that_ended_left_in_its_cache_is_removed(tmp_path):
    cut, arriving = aged(made(tmp_path / "tmpabc"), 11 * MINUTE_S), aged(made(tmp_path / "tmpdef"), 5 * MINUTE_S)
    old = aged(made(tmp_path / ("a" * 64) / "rows.csv").parent, 2 * HOUR_S)
    new = aged(made(tmp_path / ("b" * 64) / "rows.csv").parent, 30 * MINUTE_S)
    used = aged(made(tmp_path / ("c" * 64) / "deep" / "rows.csv").parent.parent, 2 * HOUR_S)
    made(used / "deep" / "more.csv")
    janitor.clear_cache(tmp_path)
    assert [path.exists() for path in (cut, arriving, old, new, used)] == [False, True, False, True, True]
    janitor.clear_cache(tmp_path / "missing")


@pytest.mark.threat("T8")
def test_a_link_in_the_cache_is_removed_and_what_it_names_stays(tmp_path):
    outside = made(tmp_path / "outside" / "file").parent
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "link").symlink_to(outside)
    os.utime(tmp_path / "cache" / "link", (0, 0), follow_symlinks=False)
    janitor.clear_cache(tmp_path / "cache")
    assert not (tmp_path / "cache" / "link").is_symlink() and (outside / "file").exists()


@pytest.mark.threat("T8", "S11")
def test_a_workspace_is_tidied(workspace):
    gone = [
        aged(made(workspace.uploads_dir / ".unfinished"), 2 * HOUR_S),
        aged(made(workspace.uploads_dir / ("d" * 16) / ".owners" / "x.json").parent.parent, 2 * HOUR_S),
        made(workspace.runs_dir / ".trash-001-x" / "model" / "weights").parent.parent,
        aged(made(workspace.cache_dir / "tmp1"), HOUR_S),
    ]
    stay = [
        made(workspace.uploads_dir / ".arriving"),
        aged(made(workspace.uploads_dir / ("e" * 16) / "rows.csv").parent, 400 * DAY_S),
        aged(made(workspace.uploads_dir / "kept" / "kept-answers.jsonl"), 400 * DAY_S),
        aged(made(workspace.path / "server.json"), 400 * DAY_S),
        aged(made(workspace.models_dir / "mine" / "config.json").parent, 400 * DAY_S),
    ]
    janitor.tidy(workspace)
    assert [path for path in gone if path.exists()] == [] and [path for path in stay if not path.exists()] == []


@pytest.fixture
def three(workspace, tmp_path):
    """Uploads of 100 bytes: one that a run names, an old one, and one of last week; all but the last are old."""
    paths = []
    for n, days in enumerate((90, 60, 7)):
        path = workspace.keep(made(tmp_path / "sent", f"{n}" * 100), f"{n}.csv")
        aged((workspace.path / path).parent, days * DAY_S)
        paths.append(path)
    workspace.create(Recipe.from_dict({"data": {"path": paths[0]}}))
    return paths


def full(free):
    return lambda _: namedtuple("usage", "total used free")(2**40, 2**40 - free, free)


@pytest.mark.threat("T8", "S11")
@pytest.mark.parametrize("scarce", ["disk", "budget"])
def test_without_room_the_uploads_go_that_no_run_names_and_nobody_used_for_a_month(
    workspace, three, monkeypatch, scarce
):
    if scarce == "disk":
        monkeypatch.setattr(shutil, "disk_usage", full(janitor.FLOOR_BYTES - 1))
    else:
        monkeypatch.setattr(janitor, "BUDGET_BYTES", 150)
    assert janitor.make_room(workspace) == [three[1]]
    assert {each.path for each in workspace.uploads()} == {three[0], three[2]}


def test_with_room_everything_stays(workspace, three, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", full(janitor.FLOOR_BYTES))
    assert janitor.make_room(workspace) == [] and len(workspace.uploads()) == 3


def test_the_oldest_goes_first_and_no_more_than_needed(workspace, tmp_path, monkeypatch):
    paths = [workspace.keep(made(tmp_path / "sent", f"{n}" * 100), f"{n}.csv") for n in range(4)]
    for path, days in zip(paths, (50, 80, 40, 70)):
        aged((workspace.path / path).parent, days * DAY_S)
    monkeypatch.setattr(janitor, "BUDGET_BYTES", 250)
    assert janitor.make_room(workspace) == [paths[1], paths[3]]


def test_it_goes_on_after_an_error(workspace, monkeypatch):
    calls = []

    def tidy(_):
        calls.append(1)
        raise OSError("a disk that fails")

    monkeypatch.setattr(janitor, "tidy", tidy)
    monkeypatch.setattr(janitor, "EVERY_S", 0.01)
    thread = janitor.begin(workspace)
    wait_for(lambda: len(calls) > 2)
    assert thread.is_alive() and thread.daemon

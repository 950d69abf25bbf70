import json
import os
import re
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from finetune.evaluation import ballot, votes
from finetune.runs.links import link
from finetune.ui import invitation, page
from finetune.ui.invitation import pick, show
from tests.blind import drawn, judge
from tests.browser import Visit, app

ANN = "a" * 32
KEYS = ("1", "b", "t", "x", "ArrowLeft", "ArrowRight")


@pytest.fixture
def invited(write_run):
    """A run with a blind test of 12 questions, and the secret of its invitation."""
    run = write_run("pirate voice")
    drawn(run, 12)
    return run, link(run, "vote")


def test_a_valid_link_shows_the_first_question_and_not_the_run(studio, invited):
    run, key = invited
    notice, board, name, _ = show(studio, key, ANN)
    assert notice == "" and "1 of 12" in board and name.visible
    assert "pirate" not in board and not re.search("tuned|base", board, re.IGNORECASE)


@pytest.mark.parametrize("key", ["", "wrong", "\ud800", "001-pirate-voice"])
def test_without_a_valid_secret_it_says_so_and_shows_and_keeps_nothing(studio, invited, key):
    run, _ = invited
    link(run, "report")
    tag = ballot.read(run).tag
    for notice, board, name, clock in (show(studio, key, ANN), pick(studio, key, ANN, "Ann", f"{tag}-0:a")):
        assert "This link is not valid" in notice and board == "" and not name.visible and not clock.active
    assert votes.read(run).standing == ()


def test_the_secret_of_another_view_opens_nothing(studio, invited):
    run, _ = invited
    assert "not valid" in show(studio, link(run, "report"), ANN)[0]


def test_an_invited_voter_votes_and_sees_the_result_at_the_end_alone(studio, invited):
    run, key = invited
    tag = ballot.read(run).tag
    assert "2 of 12" in pick(studio, key, ANN, "Ann", f"{tag}-0:tie")[1]
    assert "judged all questions" in pick(studio, key, ANN, "Ann", "reveal-now")[0]
    pick(studio, key, ANN, "Ann", "again-now")
    judge(run, ANN, ["tuned"] * 12)
    _, board, name, _ = pick(studio, key, ANN, "Ann", "reveal")
    assert "Tuned preferred in 12 of 12" in board and not name.visible
    assert "Rounds" not in board and "pirate" not in board


def test_a_link_without_a_test_says_so(studio, write_run):
    assert "no blind test here" in show(studio, link(write_run(), "vote"), ANN)[0]


def test_the_address_holds_the_secret():
    assert invitation.key_of(SimpleNamespace(query_params={"key": "abc"})) == "abc"
    assert invitation.key_of(SimpleNamespace(query_params={})) == ""


def test_the_page_of_an_invitation_has_no_part_of_the_studio(studio):
    config = page.build(studio).get_config_file()
    assert [name for name, *_ in config["pages"]] == [""], "no bar of links between the pages"
    own = set(config["page"]["vote"]["components"])
    drawn_there = {each["props"].get("elem_id") for each in config["components"] if each["id"] in own}
    assert drawn_there - {None} == {"vote-lead", "vote-notice", "board", "voter-name"}
    events = {
        each["api_name"] for each in config["dependencies"] if each["id"] in config["page"]["vote"]["dependencies"]
    }
    assert events == {"vote_pick", "vote_tick", "vote_load"}


def is_data(answer) -> bool:
    """True for what an event sends to the browser."""
    return "/gradio_api/run/" in answer.url and answer.ok


def voted(page) -> str:
    return page.inner_text("#board .progress b")


def press(page, key: str) -> None:
    page.keyboard.press(key)


def await_vote(page, before: str, key: str) -> None:
    """Return once the vote has led to the next question; while the server is away, press the key again."""
    moved = "before => ![before, undefined].includes(document.querySelector('#board .progress b')?.innerText)"
    for _ in range(20):
        try:
            page.wait_for_function(moved, arg=before, timeout=5_000)
            return
        except Exception:  # the server is away, and the vote with it
            press(page, key)
    raise AssertionError(f"still at {before}")


def kill_server(home: Path) -> None:
    """SIGKILL the server; the launcher starts another."""
    launcher = json.loads((home / "server.json").read_text())["pid"]
    (child,) = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    end = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and time.monotonic() < end:
        time.sleep(0.05)


@pytest.mark.heavy
def test_two_browsers_vote_through_the_link_and_a_killed_server_loses_no_vote(browser, workspace, invited):
    run, key = invited
    with app(workspace.path) as address:
        visits = [Visit(browser, address) for _ in range(2)]
        told = []
        for visit in visits:
            visit.page.on("response", lambda answer: told.append(answer.text()) if is_data(answer) else None)
            visit.page.goto(f"{address}/vote?key={key}")
            visit.page.wait_for_selector("#board .two")
        for n in range(11):
            before = [voted(visit.page) for visit in visits]
            pressed = [KEYS[(n + each) % len(KEYS)] for each in range(2)]
            for visit, each in zip(visits, pressed):
                press(visit.page, each)
            if n == 4:
                kill_server(workspace.path)
            for visit, each, was in zip(visits, pressed, before):
                await_vote(visit.page, was, each)
        assert [voted(visit.page) for visit in visits] == ["12 of 12", "12 of 12"]
        assert len(told) >= 20 and not any(re.search("tuned|pirate", body, re.IGNORECASE) for body in told)
        found = votes.read(run)
        voters = {vote.voter for vote in found.standing}
        assert len(voters) == 2 and all(len(found.of(voter)) == 11 for voter in voters)
        shown = visits[0].page.inner_text("#board .two")
        visits[0].page.reload()
        visits[0].page.wait_for_selector("#board .two")
        assert visits[0].page.inner_text("#board .two") == shown, "a reload shows the same"
        visits[0].page.fill("#voter-name input, #voter-name textarea", "1 bat at 4")
        assert voted(visits[0].page) == "12 of 12", "keys do not vote while a name is typed"
        visits[0].page.click("button[data-mark=undo]")
        await_vote(visits[0].page, "12 of 12", "")
        assert voted(visits[0].page) == "11 of 12" and visits[0].elsewhere == []
        for visit in visits:
            visit.close()

import json

import gradio as gr
import pytest

from finetune.evaluation import ballot, votes
from finetune.runs.links import linked
from finetune.ui import page
from finetune.ui.compare import blind, booth
from tests.blind import Parrot, drawn, judge
from tests.browser import PHONE, Visit, app, chromium

ANN = "a" * 32
NAMES = ("notice", "setup", "name", "board", "next", "invitation", "clock")


def named(values):
    assert len(values) == len(NAMES)
    return dict(zip(NAMES, values))


@pytest.fixture
def parrot(studio, monkeypatch):
    parrot = Parrot()
    monkeypatch.setattr(studio.pairs, "get", lambda run_id: parrot)
    return parrot


def begin(studio, run, source="held-out", count=20, own="", file=None):
    found = named(blind.begin(studio, ANN, run.id, source, count, own, file))
    studio.ballots.wait(run, 20)
    return found


def show(studio, run, **options):
    return named(blind.show(studio, ANN, run and run.id, **options))


def test_the_parts_are_drawn_in_the_order_that_the_handlers_answer_in(studio):
    with gr.Blocks():
        parts = blind.draw(studio)
    assert parts.shown() == [getattr(parts, name) for name in NAMES]


def test_before_a_test_one_chooses_the_questions(studio, write_run):
    found = show(studio, write_run())
    assert found["setup"].visible and found["board"] == "" and not found["clock"].active
    assert "No run is finished yet" in show(studio, None)["notice"]


def test_a_test_of_held_out_rows_begins_and_others_are_invited(studio, write_run, parrot):
    run = write_run()
    found = begin(studio, run, count=6)
    assert not found["setup"].visible and found["clock"].active
    assert len(parrot.asked) == 6
    found = show(studio, run)
    assert "1 of 6" in found["board"] and found["name"].visible and not found["clock"].active
    secret = json.loads((run.path / "links.json").read_text())["vote"]
    assert f"vote?key={secret}" in found["invitation"] and linked(studio.workspace, "vote", secret).id == run.id


def test_a_list_and_a_file_give_questions_as_well(studio, write_run, parrot, tmp_path):
    run = write_run()
    begin(studio, run, "list", None, "Is it blue?\nIs it red?\n")
    assert parrot.asked == ["Is it blue?", "Is it red?"]
    ballot.put_away(run)
    path = tmp_path / "questions.csv"
    path.write_text("prompt,completion\n" + "".join(f"Is {n} odd?,Yes.\n" for n in range(9)))
    begin(studio, run, "file", 4, "", str(path))
    assert len(parrot.asked) == 6 and "odd" in parrot.asked[-1]


@pytest.mark.parametrize(
    ("source", "count", "words"),
    [("list", 20, "no questions yet"), ("file", 20, "no file yet"), ("held-out", 0, "out of bounds"),
     ("held-out", None, "out of bounds"), ("held-out", 201, "out of bounds")],
)  # fmt: skip
def test_questions_that_are_missing_are_said_and_nothing_begins(studio, write_run, source, count, words):
    run = write_run()
    found = begin(studio, run, source, count)
    assert words in found["notice"] and found["setup"].visible and ballot.read(run) is None


def test_a_file_that_cannot_be_read_is_said(studio, write_run, tmp_path):
    path = tmp_path / "questions.exe"
    path.write_bytes(b"MZ")
    assert "cannot be read" in begin(studio, write_run(), "file", 20, "", str(path))["notice"]


def test_a_vote_by_a_click_is_kept_with_the_name(studio, write_run):
    run = write_run()
    whole = drawn(run, 5)
    found = named(blind.pick(studio, ANN, run.id, " Ann ", f"{whole.tag}-0:bad"))
    assert "2 of 5" in found["board"] and found["notice"] == ""
    (vote,) = votes.read(run).standing
    assert (vote.voter, vote.name, vote.question, vote.choice) == (ANN, "Ann", 0, "bad")
    assert "no such question" in named(blind.pick(studio, ANN, run.id, "", f"{whole.tag}-77:a"))["notice"]


def test_the_result_is_asked_for_twice_while_voting_and_offers_the_next_round(studio, write_run):
    run = write_run()
    drawn(run, 12)
    judge(run, ANN, ["tuned"] * 11)
    found = named(blind.pick(studio, ANN, run.id, "", "reveal"))
    assert "would bias further votes" in found["board"] and not found["next"].visible
    found = named(blind.pick(studio, ANN, run.id, "", "reveal-now"))
    assert "Tuned preferred in 11 of 11" in found["board"] and "Rounds" in found["board"]
    assert found["next"].visible and found["next"].value == "Train the next round on these votes (DPO)"


def test_the_next_round_is_started_by_one_button(still, write_run):
    run = write_run("pirate voice")
    drawn(run, 12)
    judge(run, ANN, ["tuned"] * 11)
    notice, tabs, dropdown, picked = page.start_next(still, run.id)
    assert notice == "" and tabs.selected == "train" and picked == "002-pirate-voice-round-2"
    recipe = still.workspace.run(picked).recipe
    assert (recipe.method.type, recipe.model.run, recipe.data.format) == ("dpo", run.id, "preference")
    assert [run_.id for run_ in still.queue.waiting()] == [picked]


def test_too_few_votes_start_nothing_and_say_how_many_are_missing(still, write_run):
    run = write_run()
    drawn(run, 12)
    judge(run, ANN, ["tuned"] * 4)
    notice, tabs, *_ = page.start_next(still, run.id)
    assert "needs 10 questions with a preference; there are 4" in notice and "6 more questions" in notice
    assert tabs == gr.skip() and still.queue.waiting() == []


def test_each_source_has_its_own_fields():
    assert [field.visible for field in blind.choose_source("list")] == [False, True, False]
    assert [field.visible for field in blind.choose_source("file")] == [True, False, True]
    assert [field.visible for field in blind.choose_source("held-out")] == [True, False, False]


def test_every_event_that_depends_on_the_voter_carries_the_browsers_id(studio):
    built = page.build(studio)
    events = {event.api_name: event for event in built.fns.values()}
    for name in ("blind_begin", "blind_pick", "blind_choose", "blind_tick", "vote_pick", "vote_tick", "vote_load"):
        assert events[name].js == booth.VOTER, name


def test_the_owner_votes_by_keys_and_sees_the_result_in_a_real_browser(workspace, write_run):
    from axe_playwright_python.sync_playwright import Axe

    def faults() -> list[str]:
        found = Axe().run(page).response["violations"]
        return [each["id"] for each in found if each["impact"] in ("serious", "critical")]

    run = write_run("pirate voice")
    drawn(run, 5)
    progress = "words => document.querySelector('#board .progress b')?.innerText === words"
    with app(workspace.path) as address, chromium() as browser:
        visit = Visit(browser, address)
        page = visit.open("compare")
        page.click("[role=tab]:has-text('Blind test')")
        page.wait_for_selector("#board .two")
        assert faults() == []
        page.fill("#voter-name input, #voter-name textarea", "Tab at 4")
        page.click("#board .two")
        for n, key in enumerate(("1", "ArrowRight", "t")):
            page.keyboard.press(key)
            page.wait_for_function(progress, arg=f"{n + 2} of 5")
        page.keyboard.press("u")
        page.wait_for_function(progress, arg="3 of 5")
        page.click("#board >> text=Show the result")
        page.wait_for_selector("#board .notice")
        page.click("#board >> text=Show it and end my voting")
        page.wait_for_selector("#board .verdict")
        assert "Too few to tell" in page.inner_text("#board") and page.is_visible("#blind-next")
        assert faults() == []
        page.set_viewport_size(PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        assert visit.errors == [] and visit.elsewhere == []
        visit.close()
    found = votes.read(run).standing
    assert len(found) == 2 and {vote.name for vote in found} == {"Tab at 4"}

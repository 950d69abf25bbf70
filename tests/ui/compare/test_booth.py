import re

import pytest

from finetune.errors import ModelError, RunError
from finetune.evaluation import ballot, votes
from finetune.evaluation.order import Shown
from finetune.ui.compare import booth
from tests.blind import Parrot, drawn, judge, prompts

ANN = "a" * 32


@pytest.fixture
def run(write_run):
    return write_run()


def board(studio, run, voter=ANN, **options):
    return booth.board(studio, run, voter, **options)


def pick_of(html: str, mark: str) -> str:
    """What the button of ``mark`` on the board sends."""
    return re.search(rf"data-mark='{mark}' data-pick='([^']+)'", html)[1]


def vote_on(studio, run, mark, voter=ANN):
    booth.act(studio, run, voter, "", pick_of(board(studio, run, voter).html, mark))


def test_a_voter_goes_from_question_to_question_to_the_result(studio, run):
    drawn(run, 5)
    for n in range(5):
        found = board(studio, run)
        assert found.stage == "voting" and f"<b>{n + 1} of 5</b>" in found.html
        vote_on(studio, run, "a")
    found = board(studio, run)
    assert found.stage == "finished" and "You have judged all 5" in found.html and "reveal" in found.html
    assert len(votes.read(run).of(ANN)) == 5
    booth.act(studio, run, ANN, "", "reveal")
    found = board(studio, run)
    assert found.stage == "result" and "Tuned" in found.html and "again" not in found.html


def test_nothing_that_is_sent_before_the_result_says_which_answer_is_whose(studio, run):
    """Exchange the two models and the side: the voter's browser gets the same bytes."""
    whole = drawn(run, 8)
    for each in whole.questions:
        turned = each.model_copy(update={"base": each.tuned, "tuned": each.base})
        assert booth._question(whole, Shown(each, True), 2) == booth._question(whole, Shown(turned, False), 2)
    for _ in range(8):
        found = board(studio, run, rounds=[])
        assert not re.search("tuned|base", found.html, re.IGNORECASE) and run.id not in found.html
        vote_on(studio, run, "b")
    assert not re.search("tuned|base", board(studio, run).html, re.IGNORECASE)


def test_answers_are_text_whatever_is_in_them(studio, run):
    class Evil(Parrot):
        def reply(self, base, tuned, sampling, stop=None):
            (reply,) = super().reply(base, tuned, sampling)
            return iter([type(reply)("<img src=x onerror=alert(1)>", "'\"><script>", 1, 1, 1.0, done=True)])

    pair = Evil()
    ballot.draw_up(run, [[{"role": "user", "content": "<b>Hi</b>"}]], "list")
    list(ballot.ask_rest(run, lambda: pair))
    html = board(studio, run).html
    assert "<img" not in html and "<script" not in html and "<b>Hi" not in html and "&lt;img" in html
    vote_on(studio, run, "a")
    booth.act(studio, run, ANN, "", "reveal")
    assert "<img" not in board(studio, run, rounds=[]).html


def test_earlier_turns_are_shown_and_the_system_prompt_is_not(studio, run):
    turns = [("system", "Secret."), ("user", "Hi"), ("assistant", "Ho"), ("user", "And?")]
    ballot.draw_up(run, [[{"role": role, "content": text} for role, text in turns]], "file")
    list(ballot.ask_rest(run, lambda: Parrot()))
    html = board(studio, run).html
    assert "<b>Assistant</b> Ho" in html and "Secret" not in html


def test_the_last_vote_is_undone(studio, run):
    drawn(run, 5)
    before = board(studio, run).html
    assert "data-mark='undo'" not in before
    vote_on(studio, run, "bad")
    assert "data-mark='undo'" in board(studio, run).html
    booth.act(studio, run, ANN, "", "undo")
    assert board(studio, run).html == before


def test_a_key_pressed_twice_is_one_vote(studio, run):
    drawn(run, 5)
    pick = pick_of(board(studio, run).html, "a")
    booth.act(studio, run, ANN, "", pick)
    booth.act(studio, run, ANN, "", pick)
    assert len(votes.read(run).of(ANN)) == 1 and "<b>2 of 5</b>" in board(studio, run).html


def test_a_page_that_shows_an_earlier_test_votes_on_nothing(studio, run):
    drawn(run, 5)
    pick = pick_of(board(studio, run).html, "a")
    ballot.put_away(run)
    with pytest.raises(RunError, match="put away"):
        booth.act(studio, run, ANN, "", pick)
    drawn(run, 5)
    with pytest.raises(RunError, match="put away"):
        booth.act(studio, run, ANN, "", pick)
    assert votes.read(run).standing == ()


def test_only_the_owner_sees_the_result_early_and_is_asked_first(studio, run):
    drawn(run, 5)
    for pick in ("reveal", "reveal-now"):
        with pytest.raises(RunError, match="judged all questions"):
            booth.act(studio, run, ANN, "", pick)
    assert booth.act(studio, run, ANN, "", "reveal", is_owner=True) == "reveal"
    assert "would bias further votes" in board(studio, run, confirm="reveal", rounds=[]).html
    assert board(studio, run, rounds=[]).stage == "voting"
    booth.act(studio, run, ANN, "", "reveal-now", is_owner=True)
    found = board(studio, run, rounds=[])
    assert found.stage == "result" and "There are no votes yet." in found.html
    with pytest.raises(RunError, match="no longer blindly"):
        judge(run, ANN, {0: "tie"})


def test_only_the_owner_puts_a_test_away_and_is_asked_first(studio, run):
    drawn(run, 3)
    for pick in ("again", "again-now"):
        assert booth.act(studio, run, ANN, "", pick) == ""
    assert board(studio, run).stage == "voting"
    assert booth.act(studio, run, ANN, "", "again", is_owner=True) == "again"
    assert board(studio, run).stage == "voting"
    booth.act(studio, run, ANN, "", "again-now", is_owner=True)
    assert board(studio, run).stage == "none"


def test_voting_begins_before_all_is_asked_and_the_rest_is_asked_for(studio, run, monkeypatch):
    parrot = Parrot()
    monkeypatch.setattr(studio.pairs, "get", lambda run_id: parrot)
    ballot.draw_up(run, prompts(6), "list")
    asking = ballot.ask_rest(run, lambda: parrot)
    monkeypatch.setattr(studio.ballots, "ask_rest", lambda run, again=False: None)
    next(asking)
    assert board(studio, run).stage == "waiting" and "<b>1 of 6</b>" in board(studio, run).html
    for _ in range(3):
        next(asking)
    assert board(studio, run).stage == "voting" and "<b>1 of 6</b>" in board(studio, run).html
    for _ in range(4):
        vote_on(studio, run, "tie")
    assert "judged all answers so far" in board(studio, run).html
    asking.close()
    monkeypatch.undo()
    monkeypatch.setattr(studio.pairs, "get", lambda run_id: parrot)
    board(studio, run)
    studio.ballots.wait(run, 20)
    assert ballot.read(run).waiting == 0 and board(studio, run).stage == "voting"


def test_a_model_that_cannot_be_asked_is_said_with_a_way_to_try_again(studio, run, monkeypatch):
    def fail(run_id):
        raise ModelError("The machine ran out of memory.", "Close something.")

    monkeypatch.setattr(studio.pairs, "get", fail)
    ballot.draw_up(run, prompts(3), "list")
    board(studio, run)
    studio.ballots.wait(run, 20)
    html = board(studio, run).html
    assert "ran out of memory" in html and "data-pick='retry'" in html
    monkeypatch.setattr(studio.pairs, "get", lambda run_id: Parrot())
    booth.act(studio, run, ANN, "", "retry")
    studio.ballots.wait(run, 20)
    assert board(studio, run).stage == "voting"


def test_a_run_that_changed_no_answer_leaves_nothing_to_choose(studio, run):
    drawn(run, 3, same=[f"question {n}?" for n in range(3)])
    found = board(studio, run, rounds=[])
    assert found.stage == "finished" and "same answer to every question" in found.html


@pytest.mark.parametrize("voter", [None, "", "x" * 65, "a'b", "../a", "é"])
def test_a_voter_id_that_no_browser_draws_is_refused(studio, run, voter):
    drawn(run, 3)
    with pytest.raises(RunError, match="no voter id"):
        booth.act(studio, run, voter, "", "undo")

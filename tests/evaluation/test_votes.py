import threading

import pytest

from finetune.errors import RunError
from finetune.evaluation import votes
from tests.blind import drawn, judge


@pytest.fixture
def run(write_run):
    run = write_run()
    drawn(run, 8)
    return run


def test_a_vote_for_a_side_is_a_vote_for_what_stood_there(run):
    for seen in votes.shown(run, "ann"):
        votes.cast(run, "ann", seen.asked.id, "a")
    for vote in votes.read(run).standing:
        assert (vote.choice == "tuned") == vote.tuned_first
    assert len(votes.read(run).standing) == 8


def test_the_last_vote_of_a_voter_on_a_question_counts(run):
    judge(run, "ann", {0: "tuned", 1: "tie"})
    judge(run, "ann", {0: "bad"})
    judge(run, "bob", {0: "base"})
    found = votes.read(run)
    assert {(vote.voter, vote.question): vote.choice for vote in found.standing} == {
        ("ann", 0): "bad",
        ("ann", 1): "tie",
        ("bob", 0): "base",
    }


def test_the_last_vote_can_be_undone_and_only_ones_own(run):
    judge(run, "ann", {0: "tuned"})
    judge(run, "ann", {1: "base"})
    judge(run, "bob", {1: "base"})
    assert votes.undo(run, "ann").choice == "withdrawn"
    assert list(votes.read(run).of("ann")) == [0] and list(votes.read(run).of("bob")) == [1]
    votes.undo(run, "ann")
    assert votes.undo(run, "ann") is None and votes.read(run).of("ann") == {}


def test_damaged_lines_are_skipped(run):
    judge(run, "ann", {0: "tuned"})
    with (run.path / "votes.jsonl").open("ab") as file:
        file.write(b'{"voter": "ann", "question": 0, "choice": "none"}\n{}\n\xff\n{"voter": "bob", "quest')
    judge(run, "bob", {0: "base"})
    assert [(vote.voter, vote.choice) for vote in votes.read(run).standing] == [("ann", "tuned"), ("bob", "base")]


@pytest.mark.parametrize(("question", "mark"), [(99, "a"), (0, "tuned"), (0, "")])
def test_what_was_not_shown_cannot_be_voted_on(run, question, mark):
    with pytest.raises(RunError, match="no such question"):
        votes.cast(run, "ann", question, mark)
    assert votes.read(run).standing == ()


def test_who_has_seen_the_result_votes_no_more(run):
    judge(run, "ann", {0: "tuned"})
    votes.reveal(run, "ann")
    votes.reveal(run, "ann")
    with pytest.raises(RunError, match="no longer blindly"):
        judge(run, "ann", {1: "tuned"})
    with pytest.raises(RunError, match="no longer blindly"):
        votes.undo(run, "ann")
    judge(run, "bob", {1: "tuned"})
    found = votes.read(run)
    assert found.informed == {"ann"} and {vote.voter for vote in found.standing} == {"ann", "bob"}
    assert (run.path / "votes.jsonl").read_text().count("revealed_at") == 1


def test_a_name_is_kept_at_its_longest(run):
    votes.cast(run, "ann", 0, "tie", f"  {'Ann' * 30} ")
    assert votes.read(run).standing[0].name == ("Ann" * 30)[:60]


def test_two_voters_at_once_lose_no_vote(run):
    choices = ["tuned", "base"] * 4
    threads = [threading.Thread(target=judge, args=(run, f"v{n}", choices)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(votes.read(run).standing) == 48

import random

import pytest

from finetune.evaluation import votes
from finetune.evaluation.tally import Tally, Voter, beside, company, outcome, tally, verdict
from tests.blind import drawn, judge


def of(wins, losses, ties=0, bad=0, open_=0):
    outcomes = ["tuned"] * wins + ["base"] * losses + ["tie"] * ties + ["bad"] * bad + ["open"] * open_
    voters = (Voter("Voter 1", wins, losses, ties, bad),) if wins + losses + ties + bad else ()
    return Tally(dict(enumerate(outcomes)), voters, None)


RARELY = "by chance alone this would happen"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            of(34, 7),
            f"Tuned preferred in 34 of 41 (83 %, 95 % interval 69–91 %); {RARELY} less than once in 1,000 times.",
        ),
        (of(9, 1), f"Tuned preferred in 9 of 10 (90 %, 95 % interval 60–98 %); {RARELY} about once in 47 times."),
        (
            of(1, 9),
            "Base preferred in 9 of 10 (90 %, 95 % interval 60–98 %): to these voters, training made the answers "
            f"worse; {RARELY} about once in 47 times.",
        ),
        (
            of(22, 19),
            "No clear preference: tuned in 22 of 41 (54 %, 95 % interval 39–68 %). Chance alone could explain this.",
        ),
        (of(3, 2), "Too few to tell: tuned preferred in 3 of 5."),
        (of(5, 0), "Too few to tell: tuned preferred in 5 of 5."),
        (of(0, 0, 3, 1), "No question was decided: no answer was preferred."),
        (of(0, 0), "There are no votes yet."),
    ],
)
def test_the_verdict_says_no_more_than_the_votes_do(found, sentence):
    assert verdict(found) == sentence


def test_six_of_six_is_the_first_result_that_chance_does_not_explain():
    assert of(5, 0).preferred == "" and of(6, 0).preferred == "tuned" and of(0, 6).preferred == "base"


def test_what_is_no_preference_is_said_apart():
    assert beside(of(3, 2, 1, 4, 2)) == (
        "Beside that: 1 tie, 4 questions with two bad answers, 2 questions without a vote."
    )
    assert beside(of(3, 2)) == "" == beside(of(0, 0, 0, 0, 9))


@pytest.mark.parametrize(
    ("choices", "found"),
    [((), "open"), (("tie",), "tie"), (("tuned", "base"), "split"), (("tuned", "tuned", "base"), "tuned"),
     (("tuned", "tie", "bad"), "split"), (("bad", "bad", "base"), "bad")],
)  # fmt: skip
def test_a_question_counts_once_by_what_most_of_its_voters_chose(choices, found):
    assert outcome(choices) == found


def test_several_voters_are_no_more_questions(write_run):
    run = write_run()
    whole = drawn(run, 5)
    for voter in ("ann", "bob", "cleo"):
        judge(run, voter, ["tuned"] * 5, name="Bob" if voter == "bob" else "")
    found = tally(whole, votes.read(run))
    assert (found.wins, found.losses, found.agreement) == (5, 0, 1.0)
    assert verdict(found).startswith("Too few to tell"), "15 votes on 5 questions are not 15 questions"
    assert [(voter.name, voter.wins) for voter in found.voters] == [("Voter 1", 5), ("Bob", 5), ("Voter 3", 5)]
    assert "3 voters" in company(found) and "agree in 100 % of cases" in company(found)


def test_agreement_is_that_of_two_votes_on_the_same_question(write_run):
    run = write_run()
    whole = drawn(run, 4)
    judge(run, "ann", ["tuned", "tuned", "tie", "bad"])
    judge(run, "bob", ["tuned", "base", "tie"])
    found = tally(whole, votes.read(run))
    assert found.agreement == 2 / 3
    assert list(found.outcomes.values()) == ["tuned", "split", "tie", "bad"]
    assert company(of(3, 2)) == ""


def test_votes_by_a_coin_are_called_a_preference_in_a_twentieth_of_experiments_at_most(write_run):
    """The null experiment: 500 blind tests of 40 questions, in which voters cannot tell base from tuned."""
    run, coin = write_run(), random.Random(7)
    whole = drawn(run, 40)
    seen = {voter: votes.shown(run, voter) for voter in ("ann", "bob")}
    found = 0
    for _ in range(500):
        records = [
            {"voter": voter, "question": each.asked.id, "tuned_first": each.tuned_first, "at": 0.0,
             "choice": "tuned" if (coin.random() < 0.5) == each.tuned_first else "base"}
            for voter in seen for each in seen[voter]
        ]  # fmt: skip
        found += bool(tally(whole, votes.counted(records)).preferred)
    assert 2 <= found <= 38, f"{found} of 500"


def test_a_thousand_votes_by_a_coin_reject_at_about_the_nominal_rate():
    """Through the test itself, at a size where its steps are small: 1,000 decided questions, 500 times."""
    coin = random.Random(11)
    found = sum(bool(of(wins := coin.getrandbits(1000).bit_count(), 1000 - wins).preferred) for _ in range(500))
    assert 12 <= found <= 38, f"{found} of 500"

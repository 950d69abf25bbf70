from statistics import mean

import pytest

from finetune.evaluation import ballot
from finetune.evaluation.order import order
from tests.blind import Parrot, drawn, prompts


def sides(found):
    return [seen.tuned_first for seen in found]


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 20, 41])
def test_each_voter_sees_tuned_first_in_half_of_the_questions(write_run, count):
    run = write_run()
    whole = drawn(run, count, same=("question 3?",))
    for voter in range(40):
        found = order(whole, run.id, f"voter-{voter}")
        assert sorted(seen.asked.id for seen in found) == [each.id for each in whole.questions]
        assert abs(sum(sides(found)) - len(found) / 2) <= 1


def test_a_reload_shows_the_same(write_run):
    run = write_run()
    whole = drawn(run, 12)
    assert order(whole, run.id, "ann") == order(ballot.read(run), run.id, "ann")


def test_each_voter_has_an_order_of_their_own(write_run):
    run = write_run()
    whole = drawn(run, 12)
    orders = {tuple((seen.asked.id, seen.tuned_first) for seen in order(whole, run.id, f"v{n}")) for n in range(30)}
    assert len(orders) == 30


def test_both_are_first_equally_often_over_many_voters(write_run):
    run = write_run()
    whole = drawn(run, 5)
    found = [{seen.asked.id: seen.tuned_first for seen in order(whole, run.id, f"v{n}")} for n in range(2000)]
    for question in range(5):
        assert abs(mean(each[question] for each in found) - 0.5) < 0.05  # four and a half standard errors


def test_what_was_shown_never_moves_while_the_ballot_grows(write_run):
    run, parrot = write_run(), Parrot(same=("question 1?", "question 6?"))
    ballot.draw_up(run, prompts(11), "list")
    before, sizes = [], []
    for _ in ballot.ask_rest(run, lambda: parrot):
        now = order(ballot.read(run), run.id, "ann")
        assert now[: len(before)] == before
        before = now
        sizes.append(len(now))
    assert sizes == [0, 0, 0, 3, 3, 3, 3, 6, 6, 6, 9]


def test_the_order_cannot_be_computed_without_the_salt(write_run):
    run = write_run()
    whole = drawn(run, 20)
    other = ballot.Ballot(whole.plan.model_copy(update={"salt": "guessed"}), whole.asked)
    assert sides(order(whole, run.id, "ann")) != sides(order(other, run.id, "ann"))


def test_answers_stand_where_the_order_says(write_run):
    run = write_run()
    for seen in order(drawn(run, 8), run.id, "ann"):
        assert seen.first.startswith("Arr" if seen.tuned_first else "Plainly")
        assert seen.second.startswith("Plainly" if seen.tuned_first else "Arr")

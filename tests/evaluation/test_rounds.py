from finetune.evaluation.rounds import chain
from tests.blind import drawn, judge


def test_rounds_stand_in_their_order_with_their_win_rates(workspace, write_run):
    first = write_run("pirate voice")
    second = write_run("pirate voice, round 2", model={"run": first.id})
    third = write_run("pirate voice, round 3", model={"run": str(second.number)})
    write_run("another")
    drawn(first, 8)
    judge(first, "ann", ["tuned"] * 5 + ["base"] * 3)
    for run in (first, second, third):
        found = chain(workspace, run)
        assert [each.run.id for each in found] == [first.id, second.id, third.id]
    assert [each.result for each in found] == ["62 % of 8 questions", "no votes", "no votes"]


def test_of_two_further_trainings_the_newer_is_followed_unless_asked_for_the_other(workspace, write_run):
    first = write_run()
    older, newer = (write_run(model={"run": first.id}) for _ in range(2))
    assert [each.run.id for each in chain(workspace, first)] == [first.id, newer.id]
    assert [each.run.id for each in chain(workspace, older)] == [first.id, older.id]


def test_a_deleted_round_ends_the_chain(workspace, write_run):
    second = write_run(model={"run": "099-gone"})
    assert [each.run.id for each in chain(workspace, second)] == [second.id]

import pytest
from filelock import FileLock

from finetune.errors import BusyError, ModelError, RunError
from finetune.evaluation import ballot
from finetune.inference.sampling import Sampling
from tests.blind import Parrot, drawn, prompts


def test_every_prompt_is_asked_once_and_equal_answers_are_left_out(write_run):
    run = write_run()
    found = drawn(run, 6, same=("question 2?",))
    assert [each.id for each in found.asked] == list(range(6)) and found.waiting == 0
    assert [each.id for each in found.questions] == [0, 1, 3, 4, 5] and found.equal == 1
    assert found.questions[0].question == "question 0?"
    assert (found.questions[0].base, found.questions[0].tuned) == ("Plainly, question 0?", "Arr, question 0?")


def test_what_was_asked_before_the_program_was_killed_is_not_asked_again(write_run):
    run = write_run()
    ballot.draw_up(run, prompts(5), "held-out", Sampling(seed=3))
    first, again = Parrot(), Parrot()
    asking = ballot.ask_rest(run, lambda: first)
    next(asking), next(asking)
    asking.close()
    with (run.path / "ballot.jsonl").open("ab") as file:
        file.write(b'{"id": 2, "messages": [{"ro')
    assert ballot.read(run).waiting == 3
    list(ballot.ask_rest(run, lambda: again))
    assert again.asked == ["question 2?", "question 3?", "question 4?"]
    assert ballot.read(run).waiting == 0 and ballot.read(run).plan.sampling.seed == 3


def test_one_process_asks_at_a_time(write_run):
    run = write_run()
    ballot.draw_up(run, prompts(2), "list")
    with FileLock(run.path / ".ballot.lock", is_singleton=False), pytest.raises(BusyError, match="being asked"):
        list(ballot.ask_rest(run, Parrot))


def test_an_answer_that_was_shown_stays_whatever_is_written_later(write_run):
    run = write_run()
    drawn(run, 2)
    line = (run.path / "ballot.jsonl").read_text().splitlines()[0].replace("Arr", "Avast")
    with (run.path / "ballot.jsonl").open("a") as file:
        file.write(line + "\n" + line.replace('"id": 0', '"id": 99') + "\n{}\n")
    assert ballot.read(run).asked[0].tuned == "Arr, question 0?" and len(ballot.read(run).asked) == 2


def test_a_prompt_that_does_not_fit_is_left_out_and_counted(write_run):
    class Narrow(Parrot):
        def reply(self, base, tuned, sampling, stop=None):
            if base[-1]["content"] == "question 1?":
                raise ModelError("The conversation is too long.")
            return super().reply(base, tuned, sampling)

    run, pair = write_run(), Narrow()
    ballot.draw_up(run, prompts(3), "list")
    list(ballot.ask_rest(run, lambda: pair))
    found = ballot.read(run)
    assert [each.id for each in found.questions] == [0, 2]
    assert [each.refused for each in found.refused] == ["The conversation is too long."]


def test_a_reward_model_and_a_second_test_are_refused(write_run):
    with pytest.raises(RunError, match="reward model"):
        ballot.draw_up(write_run(method="reward"), prompts(3), "list")
    run = write_run()
    drawn(run, 3)
    with pytest.raises(RunError, match="blind test already"):
        ballot.draw_up(run, prompts(3), "list")
    assert len(ballot.read(run).plan.prompts) == 3


def test_a_test_that_is_put_away_is_kept_and_makes_room(write_run):
    run = write_run()
    drawn(run, 3)
    folder = ballot.put_away(run)
    assert ballot.read(run) is None and (folder / "ballot.jsonl").is_file()
    drawn(run, 2)
    assert len(ballot.read(run).questions) == 2


def test_without_a_test_nothing_is_asked(write_run):
    run = write_run()
    assert ballot.read(run) is None
    with pytest.raises(RunError, match="no blind test"):
        list(ballot.ask_rest(run, Parrot))

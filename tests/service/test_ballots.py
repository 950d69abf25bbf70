import shutil
from contextlib import nullcontext
from threading import Event

import pytest

from finetune.errors import ModelError
from finetune.evaluation import ballot
from finetune.service.ballots import Ballots
from tests.blind import Parrot, prompts


class Source:
    """Gives its pair for any run, or raises what it has instead."""

    def __init__(self, pair):
        self.pair = pair

    def get(self, run_id):
        if isinstance(self.pair, Exception):
            raise self.pair
        return self.pair


@pytest.fixture
def run(write_run):
    run = write_run()
    ballot.draw_up(run, prompts(4), "list")
    return run


def test_a_ballot_is_asked_in_the_background_by_one_thread(run):
    release, parrot = Event(), Parrot()

    def get(run_id):
        assert release.wait(20)
        return parrot

    source = Source(None)
    source.get = get
    ballots = Ballots(source, nullcontext)
    assert ballots.ask_rest(run) is None and ballots.ask_rest(run) is None
    release.set()
    ballots.wait(run, 20)
    assert ballot.read(run).waiting == 0 and len(parrot.asked) == 4


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(("fault", "words"), [(ModelError("There is no model."), "no model"), (KeyError("x"), "fault")])
def test_after_a_problem_nothing_is_asked_until_someone_wants_it_again(run, fault, words):
    source = Source(fault)
    ballots = Ballots(source, nullcontext)
    ballots.ask_rest(run)
    ballots.wait(run, 20)
    source.pair = Parrot()
    assert words in ballots.ask_rest(run).message and source.pair.asked == []
    assert ballots.ask_rest(run, again=True) is None
    ballots.wait(run, 20)
    assert ballot.read(run).waiting == 0


@pytest.mark.threat("S12")
def test_a_ballot_that_ends_the_server_is_given_up_until_someone_wants_it_again(run):
    (run.path / "tries").write_text("2")
    ballots = Ballots(Source(Parrot()), nullcontext)
    ballots.ask_rest(run)
    ballots.wait(run, 20)
    assert "The blind test was abandoned: the app ended 2 times" in ballots.ask_rest(run).message
    ballots.ask_rest(run, again=True)
    ballots.wait(run, 20)
    assert ballot.read(run).waiting == 0


@pytest.mark.threat("S5")
def test_a_ballot_of_a_run_that_is_gone_is_a_sentence(run):
    parrot, ballots = Parrot(), None

    def get(run_id):
        shutil.rmtree(run.path, ignore_errors=True)
        return parrot

    source = Source(None)
    source.get = get
    ballots = Ballots(source, nullcontext)
    ballots.ask_rest(run)
    ballots.wait(run, 20)
    assert "There is no run" in ballots.ask_rest(run).message and not run.path.exists()

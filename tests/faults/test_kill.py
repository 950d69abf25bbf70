"""``kill -9`` at any moment costs at most what came after the last checkpoint, and changes nothing that is learnt."""

import os
import random
import signal
import time

import pytest

from tests.faults.forge import Forge
from tests.service.test_queue import wait_for
from tests.training.test_train import recipe

SETTINGS = {"training.precision": "fp32", "adapter.dropout": 0.1, "training.save_steps": 1, "evaluation.times": 1}


@pytest.fixture
def forge(with_tiny):
    forge = Forge(with_tiny)
    yield forge
    forge.close()


def trials(short, heavy):
    """How often: a few times in the suite, and as often as is claimed with ``--heavy``."""
    return [short, pytest.param(heavy, marks=pytest.mark.heavy)]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("times", trials(6, 100))
def test_a_run_killed_at_random_moments_equals_one_that_was_not(times, forge, with_tiny, tmp_path):
    chance = random.Random(times)
    settings = SETTINGS | {"training.max_steps": 20 * times}
    whole, run = (with_tiny.create(recipe(tmp_path, **settings)) for _ in range(2))
    began = time.time()
    forge.start(whole)
    assert forge.wait() == 0 and whole.view().state == "done"
    first, last = whole.view().steps[0], whole.view().steps[-1]
    beginning, pace = first.at - began, (last.at - first.at) / len(whole.view().steps)
    span = beginning + min(beginning, 15 * pace)
    for left in reversed(range(times)):
        pid = forge.start(run)
        time.sleep(chance.uniform(0, span))  # while it begins or takes some steps, too early to be done
        if not left:
            wait_for(lambda: run.view().step)  # on a busy machine none may have come so far
        os.kill(pid, signal.SIGKILL)
        assert forge.wait() == -signal.SIGKILL
        goes_on(run)
    forge.start(run)
    assert forge.wait() == 0 and run.view().state == "done"
    assert [step.loss for step in run.view().steps] == [step.loss for step in whole.view().steps]


def goes_on(run):
    """Put the killed ``run`` in line again: all that was said to be saved is there, and is whole."""
    view, found = run.view(), run.checkpoints.newest()
    assert view.state in ("queued", "interrupted") and not found.skipped
    saved = [saved.step for saved in view.saved if saved.what == "checkpoint"]
    assert not saved or found.checkpoint.step >= max(saved)
    if view.state == "interrupted":
        run.requeue()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("times", trials(4, 50))
def test_a_run_killed_inside_a_save_goes_on(times, forge, with_tiny, tmp_path):
    settings = SETTINGS | {"training.max_steps": 5 * times, "adapter.rank": 64}
    run = with_tiny.create(recipe(tmp_path, **settings))
    chance = random.Random(times)
    for _ in range(times):
        pid = forge.start(run)
        wait_for_save(run, chance.randrange(2, 5))
        time.sleep(chance.uniform(0, 0.01))
        os.kill(pid, signal.SIGKILL)
        assert forge.wait() == -signal.SIGKILL
        before = run.view().step
        goes_on(run)
    assert before > 1
    forge.start(run)
    assert forge.wait() == 0 and run.view().state == "done" and not list(run.checkpoints.folder.glob(".*"))


def wait_for_save(run, number):
    """Return inside the save of that number from now on."""
    seen, deadline = set(), time.monotonic() + 120
    while len(seen) < number:
        assert time.monotonic() < deadline, "waited too long"
        seen |= inside(run)
        time.sleep(0.0005)


def inside(run) -> set[str]:
    """What is being written now."""
    try:
        return {name for name in os.listdir(run.checkpoints.folder) if name.startswith(".staging-")}
    except FileNotFoundError:
        return set()

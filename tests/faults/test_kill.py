"""``kill -9`` at any moment loses at most the steps after the last checkpoint, and changes no weight update."""

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
    """How often: a few times in the suite, and as often as the README claims with ``--heavy``."""
    return [short, pytest.param(heavy, marks=pytest.mark.heavy)]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("times", trials(6, 100))
def test_a_run_killed_at_random_moments_equals_one_that_was_not(times, forge, with_tiny, tmp_path):
    generator = random.Random(times)
    settings = SETTINGS | {"training.max_steps": 20 * times}
    uninterrupted, run = (with_tiny.create(recipe(tmp_path, **settings)) for _ in range(2))
    began = time.time()
    forge.start(uninterrupted)
    assert forge.wait() == 0 and uninterrupted.view().state == "done"
    first, last = uninterrupted.view().steps[0], uninterrupted.view().steps[-1]
    beginning, pace = first.at - began, (last.at - first.at) / len(uninterrupted.view().steps)
    span = beginning + min(beginning, 15 * pace)
    for left in reversed(range(times)):
        pid = forge.start(run)
        time.sleep(generator.uniform(0, span))  # while it starts or takes some steps, too early to be done
        if not left:
            wait_for(lambda: run.view().step)  # on a busy machine none may have reached a step
        os.kill(pid, signal.SIGKILL)
        assert forge.wait() == -signal.SIGKILL
        requeue(run)
    forge.start(run)
    assert forge.wait() == 0 and run.view().state == "done"
    assert [step.loss for step in run.view().steps] == [step.loss for step in uninterrupted.view().steps]


def requeue(run):
    """Queue the killed ``run`` again: every checkpoint it reported exists and is intact."""
    view, found = run.view(), run.checkpoints.newest()
    assert view.state in ("queued", "interrupted") and not found.skipped
    saved = [saved.step for saved in view.saved if saved.what == "checkpoint"]
    assert not saved or found.checkpoint.step >= max(saved)
    if view.state == "interrupted":
        run.requeue()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("times", trials(4, 50))
def test_a_run_killed_inside_a_save_can_be_resumed(times, forge, with_tiny, tmp_path):
    settings = SETTINGS | {"training.max_steps": 5 * times, "adapter.rank": 64}
    run = with_tiny.create(recipe(tmp_path, **settings))
    generator = random.Random(times)
    for _ in range(times):
        pid = forge.start(run)
        wait_for_save(run, generator.randrange(2, 5))
        time.sleep(generator.uniform(0, 0.01))
        os.kill(pid, signal.SIGKILL)
        assert forge.wait() == -signal.SIGKILL
        before = run.view().step
        requeue(run)
    assert before > 1
    forge.start(run)
    assert forge.wait() == 0 and run.view().state == "done" and not list(run.checkpoints.folder.glob(".*"))


def wait_for_save(run, number):
    """Return inside save ``number``, counted from now."""
    seen, deadline = set(), time.monotonic() + 120
    while len(seen) < number:
        assert time.monotonic() < deadline, "waited too long"
        seen |= inside(run)
        time.sleep(0.0005)


def inside(run) -> set[str]:
    """The staging folders that exist now."""
    try:
        return {name for name in os.listdir(run.checkpoints.folder) if name.startswith(".staging-")}
    except FileNotFoundError:
        return set()

"""Two real processes on this machine, as ``torchrun`` starts them."""

import os
import signal
import subprocess

import psutil
import pytest

from finetune import ranks
from finetune.jobs import work
from finetune.workspace import PROJECT
from tests.test_jobs import wait_for
from tests.test_train import recipe

TOLERANCE = 1e-4
"""Between the losses of one process and of two, in nats per token: sums are taken in another order."""
ALIKE = {"training.precision": "fp32", "training.packing": False, "data.held_out_share": 1 / 6}
"""20 rows to learn from: they divide into batches of 4, and those into two halves."""


def test_one_process_is_the_first_of_one():
    assert ranks.world() == 1 and ranks.is_first()
    assert ranks.agree(True, False) == (True, False) and ranks.share("a") == "a"


def test_two_processes_train_as_one_does(with_tiny, tmp_path):
    alone = with_tiny.create(recipe(tmp_path, **ALIKE))
    work(alone, with_tiny)
    together = with_tiny.create(recipe(tmp_path, **ALIKE, **{"training.processes": 2}))
    work(together, with_tiny)
    view = together.view()
    assert view.state == "done", (together.path / "processes.log").read_text()[-2000:]
    assert "2 processes" in view.device and view.has_model and view.step == 8
    assert [step.loss for step in view.steps] == pytest.approx(
        [step.loss for step in alone.view().steps], abs=TOLERANCE
    )
    assert view.evaluations[-1].loss == pytest.approx(alone.view().evaluations[-1].loss, abs=10 * TOLERANCE)


@pytest.mark.heavy
def test_one_process_of_two_is_killed_and_the_run_resumed(with_tiny, tmp_path):
    settings = {**ALIKE, "training.processes": 2, "training.max_steps": 60, "training.save_steps": 2}
    run = with_tiny.create(recipe(tmp_path, **settings))
    environment = os.environ | {"FINETUNE_HOME": str(with_tiny.path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(ranks.command(run, 2), env=environment, cwd=PROJECT) as launcher:
        wait_for(lambda: run.view().step >= 5)
        os.kill(trainers(launcher)[-1].pid, signal.SIGKILL)
    assert launcher.returncode != 0 and run.view().state == "interrupted"
    came = run.checkpoints.newest().checkpoint.step
    run.requeue()
    work(run, with_tiny)
    view = run.view()
    assert view.state == "done" and view.step == 60 and came >= 4
    assert [step.step for step in view.steps] == list(range(1, 61))


def trainers(launcher):
    return [child for child in psutil.Process(launcher.pid).children(recursive=True) if "finetune" in child.cmdline()]

"""Two real processes on this machine, as ``torchrun`` starts them."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from finetune.methods import METHODS
from finetune.paths import PROJECT
from finetune.service.worker import work
from finetune.training import distributed
from tests.pairs import rows as examples
from tests.service.test_queue import wait_for
from tests.training.test_train import recipe

TOLERANCE = 1e-4
"""Between the losses of one process and of two, in nats per token: sums are taken in another order."""
REPEATED = [name for name, method in METHODS.items() if not method.generates]
"""Methods that two processes train as one does: sampled answers are others in each."""
SUMS = [name for name in REPEATED if METHODS[name].smallest_micro_batch == 1]
"""Methods whose loss is a sum over rows, however they are divided into micro-batches; KTO's divergence is not."""
GONE_S = 10
"""Seconds after which nothing is left of processes whose starter was killed."""
ALIKE = {"training.precision": "fp32", "training.packing": False}


def test_one_process_is_the_first_of_one():
    assert distributed.world_size() == 1 and distributed.is_main_process()
    assert distributed.agree(True, False) == (True, False) and distributed.share("a") == "a"


def case(method, rows, **settings):
    """So many of 24 rows to learn from, in batches of 4 that two processes share; 21 leave one of them nothing."""
    marks = [] if (method, rows, settings) == ("sft", 21, {}) else [pytest.mark.heavy]
    return pytest.param(method, rows, settings, marks=marks, id="-".join([method, str(rows), *settings]))


@pytest.mark.parametrize(
    ("method", "rows", "settings"),
    [
        *(case(method, rows) for method in REPEATED for rows in (20, 21, 23)),
        *(case(method, 21, **{"training.accumulation": 2}) for method in SUMS),
        case("sft", 22, **{"adapter.type": "full"}),
        case("dpo", 21, **{"method.loss_type": "apo_zero"}),
    ],
)
def test_two_processes_train_as_one_does(with_tiny, tmp_path, method, rows, settings):
    held_out = "".join(json.dumps(row) + "\n" for row in examples(method)[:4]).replace("What of", "Tell me of")
    (tmp_path / f"{method}.held-out.jsonl").write_text(held_out, encoding="utf-8")
    settings = {**ALIKE, "data.fixes": [{"type": "drop", "rows": f"{rows + 1}-25"}], **settings}
    alone = with_tiny.create(recipe(tmp_path, method, **settings))
    work(alone, with_tiny)
    together = with_tiny.create(recipe(tmp_path, method, **settings, **{"training.processes": 2}))
    work(together, with_tiny)
    view = together.view()
    assert view.state == "done", (together.path / "processes.log").read_text()[-2000:]
    assert "2 processes" in view.device and view.has_model and view.step == 8
    assert view.train_rows == alone.view().train_rows == rows
    assert [step.loss for step in view.steps] == pytest.approx(
        [step.loss for step in alone.view().steps], abs=TOLERANCE
    )
    assert view.steps[5].metrics == pytest.approx(alone.view().steps[5].metrics, abs=TOLERANCE)
    # TRL's held-out loss is a mean over batches, which are half as large in each of two processes.
    assert view.evaluations[-1].loss == pytest.approx(alone.view().evaluations[-1].loss, rel=0.01)


@pytest.mark.heavy
def test_one_process_of_two_is_killed_and_the_run_resumed(with_tiny, tmp_path):
    settings = {**ALIKE, "training.processes": 2, "training.max_steps": 60, "training.save_steps": 2}
    run = with_tiny.create(recipe(tmp_path, **settings))
    environment = os.environ | {"FINETUNE_HOME": str(with_tiny.path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(distributed.command(run, 2), env=environment, cwd=PROJECT) as launcher:
        wait_for(lambda: run.view().step >= 5)
        os.kill(trainers(launcher)[-1].pid, signal.SIGKILL)
    assert launcher.returncode != 0 and run.view().state == "interrupted"
    came = run.checkpoints.newest().checkpoint.step
    run.requeue()
    work(run, with_tiny)
    view = run.view()
    assert view.state == "done" and view.step == 60 and came >= 4
    assert [step.step for step in view.steps] == list(range(1, 61))


RANK = """
import time
from finetune.training import distributed
distributed.end_with_starter()
print('up', flush=True)
time.sleep(60)
"""
TORCHRUN = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {RANK!r}], start_new_session=True)"
OWNER = f"""
import os, subprocess, sys
environment = os.environ | {{"FINETUNE_OWNER": str(os.getpid())}}
subprocess.run([sys.executable, "-c", {TORCHRUN!r}], env=environment)
"""


@pytest.mark.parametrize(("program", "line", "killed"), [(TORCHRUN, 2, 0), (OWNER, 3, 0), (OWNER, 3, 1)])
def test_a_process_ends_with_those_that_started_it(program, line, killed):
    """``line``: how many processes there are, each started by the one before, the last one for a run."""
    first = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=PROJECT)
    assert first.stdout.readline() == b"up\n"
    started = [psutil.Process(first.pid), *psutil.Process(first.pid).children(recursive=True)]
    assert len(started) == line
    try:
        started[killed].kill()
        assert psutil.wait_procs(started[-1:], GONE_S)[0], "it lives on"
    finally:
        for process in started:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        first.communicate()


@pytest.mark.heavy
@pytest.mark.parametrize("killed", ["owner", "torchrun"])
def test_all_processes_of_a_run_end_with_those_that_started_them(with_tiny, tmp_path, killed):
    settings = {**ALIKE, "training.processes": 2, "training.max_steps": 2000, "training.save_steps": 2}
    (tmp_path / "recipe.yaml").write_text(recipe(tmp_path, **settings).to_yaml(), encoding="utf-8")
    environment = os.environ | {"FINETUNE_HOME": str(with_tiny.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "finetune", "train", str(tmp_path / "recipe.yaml")]
    with subprocess.Popen(command, env=environment, cwd=PROJECT) as owner:
        wait_for(lambda: with_tiny.runs() and with_tiny.runs()[0].view().step >= 3)
        run, torchrun = with_tiny.runs()[0], psutil.Process(owner.pid).children()[0]
        working = trainers(torchrun)
        assert len(working) == 2 and run.is_held
        began = time.monotonic()
        os.kill(owner.pid if killed == "owner" else torchrun.pid, signal.SIGKILL)
        _, left = psutil.wait_procs([torchrun, *working], GONE_S)
        print(f"{len(left)} left after {time.monotonic() - began:.1f} s")
        for process in left:
            process.kill()
    assert not left and not run.is_held and run.view().state == "interrupted"
    assert run.checkpoints.newest().checkpoint.step >= 2


def trainers(launcher, program="finetune"):
    """The processes of ``program`` that the launcher started, directly or not."""
    return [child for child in psutil.Process(launcher.pid).children(recursive=True) if program in child.cmdline()]


@pytest.mark.heavy
@pytest.mark.parametrize("method", [name for name, cls in METHODS.items() if cls.generates])
def test_two_processes_sample_whole_groups(method, with_tiny, tmp_path):
    """A reward of the prompt alone is the same in each group; a group with answers to two prompts would have spread."""
    reward = {"method.rewards": ["expression: {formula: 'length(prompt) / 100'}"], "method.beta": 0.0}
    run = with_tiny.create(recipe(tmp_path, method, **ALIKE, **reward, **{"training.processes": 2}))
    work(run, with_tiny)
    view = run.view()
    assert view.state == "done", (run.path / "processes.log").read_text()[-2000:]
    assert "2 processes" in view.device and view.step == 8
    assert all(step.metrics["no_spread"] == 1 for step in view.steps)
    assert len({step.metrics["reward"] for step in view.steps}) > 1

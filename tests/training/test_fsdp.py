"""What a launcher asks for is done, or refused, and never something else without a word."""

import os
import signal
import subprocess
from types import SimpleNamespace

import pytest

from finetune.errors import RunError
from finetune.paths import PROJECT
from finetune.service.worker import work
from finetune.training import distributed, fsdp
from tests.service.test_queue import wait_for
from tests.sharded import ENVIRONMENT
from tests.training.test_distributed import ALIKE, TOLERANCE, trainers
from tests.training.test_train import recipe

SHARDED = "tests.sharded"
"""The command line for processes that share the model out."""


@pytest.fixture
def asked(monkeypatch):
    """The launcher asks for what the given variables say, and for nothing else."""
    for name in (fsdp.FSDP, fsdp.FSDP_VERSION, fsdp.DEEPSPEED, *ENVIRONMENT):
        monkeypatch.setenv(name, "")

    def ask(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return ask


def test_a_launcher_that_asks_for_nothing_gets_it(asked):
    fsdp.require_known(quantized=True)
    assert not fsdp.is_asked() and fsdp.loading_device("cuda") == "cuda"


def test_what_is_to_be_shared_out_is_loaded_into_main_memory(asked):
    asked(**ENVIRONMENT)
    fsdp.require_known(quantized=False)
    assert fsdp.is_asked() and fsdp.loading_device("cuda") == "cpu"


@pytest.mark.parametrize(
    ("variables", "quantized", "words"),
    [
        ({fsdp.DEEPSPEED: "true"}, False, "DeepSpeed"),
        ({fsdp.FSDP: "true"}, False, "first version of FSDP"),
        ({fsdp.FSDP: "1", fsdp.FSDP_VERSION: "1"}, False, "first version of FSDP"),
        (ENVIRONMENT, True, "4 bits"),
    ],
)
def test_what_could_not_be_gone_on_from_is_refused(asked, variables, quantized, words):
    asked(**variables)
    with pytest.raises(RunError, match=words):
        fsdp.require_known(quantized)


@pytest.mark.parametrize(("precision", "told"), [("fp32", "no"), ("bf16", "bf16"), ("fp16", "fp16")])
def test_the_recipe_decides_on_the_arithmetic_and_not_the_launcher(asked, precision, told):
    asked(**ENVIRONMENT | {"ACCELERATE_MIXED_PRECISION": "fp8", "FSDP_STATE_DICT_TYPE": "SHARDED_STATE_DICT"})
    fsdp.apply_recipe(precision)
    assert os.environ["ACCELERATE_MIXED_PRECISION"] == told
    assert os.environ["FSDP_STATE_DICT_TYPE"] == fsdp.WHOLE


def test_a_launcher_that_gets_copies_instead_is_told(asked):
    copies = SimpleNamespace(is_fsdp_enabled=False)
    assert "asks for" not in fsdp.parallelism_of(copies).reason
    asked(**ENVIRONMENT)
    assert fsdp.parallelism_of(copies).value == "replicated (DDP)" and "asks for" in fsdp.parallelism_of(copies).reason
    assert "sharded" in fsdp.parallelism_of(SimpleNamespace(is_fsdp_enabled=True)).value


@pytest.mark.parametrize("saved", [True, False])
def test_a_checkpoint_of_the_other_kind_is_refused(saved):
    fsdp.require_same(saved, SimpleNamespace(is_fsdp_enabled=saved))
    with pytest.raises(RunError, match="can only resume that way") as caught:
        fsdp.require_same(saved, SimpleNamespace(is_fsdp_enabled=not saved))
    assert ("accelerate launch" in caught.value.hint) == saved


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("method", "adapter", "precision", "tolerance"),
    [
        ("sft", "lora", "fp32", TOLERANCE),
        ("sft", "full", "fp32", TOLERANCE),
        ("dpo", "lora", "fp32", TOLERANCE),
        ("dpo", "full", "bf16", 0.01),
    ],
)
def test_a_model_that_is_shared_out_learns_like_a_whole_one_though_killed(
    with_tiny, tmp_path, method, adapter, precision, tolerance
):
    settings = ALIKE | {"training.precision": precision, "training.max_steps": 24, "training.save_steps": 2}
    alone = with_tiny.create(recipe(tmp_path, method, adapter, **settings))
    work(alone, with_tiny)
    run = with_tiny.create(recipe(tmp_path, method, adapter, **settings))
    environment = os.environ | ENVIRONMENT | {"FINETUNE_HOME": str(with_tiny.path), "OMP_NUM_THREADS": "1"}
    command = [{"finetune": SHARDED}.get(word, word) for word in distributed.command(run, 2)]
    with subprocess.Popen(command, env=environment, cwd=PROJECT, stderr=subprocess.PIPE) as launcher:
        wait_for(lambda: run.view().step >= 5)
        os.kill(trainers(launcher, SHARDED)[-1].pid, signal.SIGKILL)
        launcher.communicate()
    assert run.view().state == "interrupted" and run.checkpoints.newest().checkpoint.step >= 4

    run.requeue()
    work(run, with_tiny)
    assert run.view().state == "failed" and "share the model out" in run.view().message

    run.requeue()
    done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, check=False)
    view = run.view()
    assert view.state == "done", done.stderr[-2000:]
    assert ("parallelism", "shared out (FSDP 2)") in [(choice.what, choice.value) for choice in view.choices]
    assert [step.loss for step in view.steps] == pytest.approx(
        [step.loss for step in alone.view().steps], abs=tolerance
    )
    assert {path.name for path in run.model_dir.iterdir()} == {path.name for path in alone.model_dir.iterdir()}
    assert difference(run, alone) < 10 * tolerance


def difference(run, other):
    """The largest between the weights that both kept."""
    from safetensors.torch import load_file

    (mine,), (theirs,) = (list(one.model_dir.glob("*.safetensors")) for one in (run, other))
    mine, theirs = load_file(mine), load_file(theirs)
    assert {name: weight.dtype for name, weight in mine.items()} == {name: w.dtype for name, w in theirs.items()}
    return max((mine[name].float() - theirs[name].float()).abs().max().item() for name in mine)

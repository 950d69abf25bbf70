"""The training contract on an NVIDIA GPU: what a CPU cannot show."""

import pytest

from finetune.adapters import ADAPTERS
from finetune.machine import hardware
from finetune.methods import METHODS
from finetune.service.worker import work
from tests.training.test_train import recipe

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_and_adapter_trains_on_the_gpu(method, adapter, with_tiny, tmp_path):
    run = with_tiny.create(recipe(tmp_path, method, adapter))
    work(run, with_tiny)
    view = run.view()
    assert view.state == "done", f"{view.message} {view.hint}"
    assert view.evaluations[-1].loss < view.evaluations[0].loss
    assert "CPU" not in view.device


def test_memory_is_released_after_a_run(with_tiny, tmp_path):
    import torch

    before = torch.cuda.memory_allocated()
    work(with_tiny.create(recipe(tmp_path)), with_tiny)
    assert torch.cuda.memory_allocated() <= before * 1.05 + 2**20


def test_the_gpu_is_named_with_its_memory():
    machine = hardware.machine()
    assert machine.device == "cuda" and machine.gpu_memory_bytes > 0
    assert hardware.choose_precision(machine).value in ("bf16", "fp16")

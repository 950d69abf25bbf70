from dataclasses import replace

import pytest

from finetune.errors import RecipeError
from finetune.machine import hardware
from finetune.machine.hardware import GIB, Machine, choose_precision, cpu_words

CPU = Machine("cpu", "CPU", 2, 23 * GIB)


def test_a_machine_is_described_in_one_line():
    assert CPU.words == cpu_words(2, 23 * GIB) == "CPU, 2 cores, 23 GB"
    assert Machine("cuda", "NVIDIA L4", 8, 64 * GIB, 24 * GIB).words == "NVIDIA L4, 24 GB"
    assert "shared" in Machine("mps", "Apple GPU", 8, 16 * GIB).words


def test_this_machine_has_cores_and_memory():
    machine = hardware.machine()
    assert machine.cores >= 1
    assert 0 < hardware.free_bytes(machine) <= max(machine.memory_bytes, machine.gpu_memory_bytes)
    assert hardware.memory_used_bytes(replace(machine, device="cpu")) > 0


def test_free_memory_on_a_cpu_is_what_its_container_leaves(monkeypatch):
    monkeypatch.setattr(hardware, "free_memory_bytes", lambda: 5 * GIB)
    assert hardware.free_bytes(CPU) == 5 * GIB


def test_memory_that_a_training_uses_again_is_not_free_beside_it(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (2 * GIB, 16 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 9 * GIB)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 6 * GIB)
    gpu = Machine("cuda", "GPU", 8, 32 * GIB, 16 * GIB)
    assert hardware.free_bytes(gpu) == 5 * GIB and hardware.free_bytes(gpu, beside=True) == 2 * GIB


def test_precision_follows_the_cpu(monkeypatch):
    import torch

    for instructions in "avx512_bf16", "amx_tile":
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, instructions: True})  # noqa: B023
        assert choose_precision(CPU).value == "bf16"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert choose_precision(CPU).value == "fp32"
    assert choose_precision(Machine("mps", "Apple GPU", 8, 16 * GIB)).value == "fp32"


def test_the_asked_precision_is_kept_unless_the_machine_lacks_it():
    assert choose_precision(CPU, "fp32").value == "fp32"
    with pytest.raises(RecipeError, match="fp16 needs an NVIDIA GPU"):
        choose_precision(CPU, "fp16")


def test_every_choice_has_a_reason():
    assert choose_precision(CPU).reason and choose_precision(CPU, "fp32").reason


def test_memory_can_be_released_at_any_time():
    hardware.release_memory()
    assert hardware.free_bytes(CPU) > 0

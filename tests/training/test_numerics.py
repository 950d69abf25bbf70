"""What a step is computed with is read from the trainer that computes it."""

import sys
from types import SimpleNamespace

import pytest
import torch

from finetune.machine.libraries import ASKED_THREADS
from finetune.training import numerics
from finetune.training.numerics import compilation_of, loss_of, optimizer_of, threads
from finetune.training.trainer import score_trained_tokens_only


@pytest.fixture
def unasked(monkeypatch):
    for name in ASKED_THREADS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("method", ["sft", "dpo"])
@pytest.mark.parametrize("adapter", ["full", "lora"])
def test_a_run_says_what_its_steps_were_computed_with(method, adapter, trained):
    settings = {"training.optimizer": "adamw_8bit"} if adapter == "full" else {}
    view = trained(method=method, adapter=adapter, **{"training.max_steps": 1}, **settings).view()
    chosen = {choice.what: choice for choice in view.choices}
    assert chosen["training.optimizer"].value == ("adamw_bnb_8bit" if settings else "adamw_torch_fused")
    assert (chosen["cross_entropy"].value, chosen["compilation"].value) == ("chunked", "off")
    assert "masked tokens are left out" in chosen["cross_entropy"].reason
    assert chosen["threads"].value == str(torch.get_num_threads())
    assert all(choice.reason for choice in view.choices)


def test_the_loss_is_told_by_what_the_model_runs(tiny_model, monkeypatch):
    from transformers import AutoModelForCausalLM
    from trl.trainer import utils

    monkeypatch.setattr(utils, "_use_triton", lambda device: False)
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    assert loss_of(model).value == "full"
    utils.add_fused_lm_head(model)
    assert loss_of(model).value == "chunked" and "masked" not in loss_of(model).reason
    score_trained_tokens_only()
    assert loss_of(model).reason.endswith("; masked tokens are left out")


def test_values_are_those_of_the_trainers_arguments():
    assert optimizer_of(SimpleNamespace(optim="adamw_torch")).value == "adamw_torch"
    assert "in one operation" in optimizer_of(SimpleNamespace(optim="adamw_torch_fused")).reason
    assert "8 bits" in optimizer_of(SimpleNamespace(optim="adamw_bnb_8bit")).reason
    assert compilation_of(SimpleNamespace(torch_compile=True)).value == "on"


def test_threads_are_those_in_force_and_who_asked_is_named(monkeypatch, unasked):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert threads("cpu").value == "1"
    finally:
        torch.set_num_threads(before)
    assert "GPU" in threads("cuda").reason
    monkeypatch.setenv("GOMP_SPINCOUNT", "1000")
    assert ("1,000 times" in threads("cpu").reason) == (sys.platform == "linux")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads("cpu").reason == "OMP_NUM_THREADS asks for it"


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_quota_that_decided_the_threads_is_named(monkeypatch, unasked, device):
    monkeypatch.setattr(numerics, "visible_cores", lambda: 64)
    assert "quota" not in threads(device).reason
    monkeypatch.setattr(numerics, "granted_cores", lambda: torch.get_num_threads())
    assert f"quota comes to {torch.get_num_threads()} of 64 cores" in threads(device).reason

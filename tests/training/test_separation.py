"""The trial of packing is right about each architecture: a packed row is read as it is alone, or packing is off."""

import json

import pytest
import torch

from finetune.methods.packing import PackedCollator
from finetune.models.locate import STARTER
from finetune.training.separation import packing_of
from tests import zoo

ROWS = [list(range(30, 57)), [*range(170, 100, -3)], [9, 8, 7]]
APART = ("llama", "gpt2", "gemma3", "qwen2_moe", "deepseek_v2")
LEAKING = ("falcon", "bloom", "mpt", "mamba", "qwen3_5_text", "qwen3_next", "bamba", "lfm2_moe", "openai-gpt", "opt")


def off(model, first, second) -> float:
    """The most that a logit of ``second`` behind ``first``, packed as training packs, differs from it alone."""
    row = {"input_ids": [*first, *second], "labels": [*first, *second], "seq_lengths": [len(first), len(second)]}
    with torch.no_grad():
        packed = model(**PackedCollator(0)([row]), use_cache=False).logits[0, len(first) :]
        alone = model(input_ids=torch.tensor([second])).logits[0]
    return ((packed - alone).abs().max() / alone.std()).item()


@pytest.mark.parametrize("name", APART)
def test_rows_that_are_kept_apart_are_packed(name):
    model = zoo.model(name)
    assert packing_of(model, ROWS) is None
    assert packing_of(model.to(torch.bfloat16), ROWS) is None
    assert off(zoo.model(name), *ROWS[:2]) < 1e-4


@pytest.mark.parametrize("name", LEAKING)
def test_rows_that_leak_are_not_packed(name):
    for dtype in (torch.float32, torch.bfloat16):
        choice = packing_of(zoo.model(name).to(dtype), ROWS)
        assert choice.value == "off" and "standard deviations" in choice.reason
    assert off(zoo.model(name), *ROWS[:2]) > 1e-3


@pytest.mark.parametrize("settings", [{"new_decoder_architecture": True}, {"alibi": True}, {"multi_query": False}])
def test_falcons_of_every_make_leak(settings):
    from transformers import FalconConfig, FalconForCausalLM

    model = FalconForCausalLM(FalconConfig(**zoo.config("falcon").to_dict() | settings)).eval()
    assert off(model, *ROWS[:2]) > 1e-3
    assert packing_of(model, ROWS).value == "off"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_attention_that_ignores_where_a_row_ends_is_seen(dtype):
    """Positions restart, and a causal mask over all of the sequence is in the place of theirs."""
    model = zoo.model("llama").to(dtype)
    own = model.forward

    def leaking(input_ids, position_ids=None, **rest):
        rest["attention_mask"] = torch.ones_like(input_ids)
        return own(input_ids=input_ids, position_ids=position_ids, **rest)

    assert packing_of(model, ROWS) is None
    model.forward = leaking
    assert packing_of(model, ROWS).value == "off"


def test_positions_that_run_on_are_seen():
    """A model that counts its own positions reads a packed row elsewhere than alone."""
    model = zoo.model("llama")
    own = model.forward
    model.forward = lambda input_ids, position_ids=None, **rest: own(input_ids=input_ids, **rest)
    assert packing_of(model, ROWS).value == "off"


@pytest.mark.parametrize(("name", "apart"), [("qwen3_vl", True), ("llava", True), ("qwen2_vl", False)])
def test_models_that_also_read_pictures_are_tried_as_all_are(name, apart):
    from tests import gallery

    model = gallery.model(name)
    assert (packing_of(model, ROWS) is None) is apart
    assert (off(gallery.model(name), *ROWS[:2]) < 1e-4) is apart


@pytest.mark.heavy
def test_the_whole_zoo():
    wrong = []
    for name in zoo.architectures():
        model = zoo.model(name)
        try:
            is_same = off(model, *ROWS[:2]) < 1e-3
        except (TypeError, RuntimeError):
            is_same = False
        if is_same != (packing_of(model, ROWS) is None):
            wrong.append(name)
    assert wrong == []


def test_the_trial_changes_nothing():
    model = zoo.model("falcon").train()
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    state = torch.get_rng_state()
    packing_of(model, ROWS)
    assert model.training and torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())


def test_a_model_that_cannot_read_packed_rows_is_not_given_any():
    class Without(torch.nn.Module):
        device, dtype = torch.device("cpu"), torch.float32

        def forward(self, input_ids, use_cache):
            raise AssertionError("never reached with positions")

    assert packing_of(Without(), ROWS).reason.endswith("(TypeError)")


def test_out_of_memory_is_not_taken_for_a_leak():
    class Full(torch.nn.Module):
        device, dtype = torch.device("cpu"), torch.float32

        def forward(self, **_):
            raise RuntimeError("CUDA out of memory.")

    with pytest.raises(RuntimeError, match="out of memory"):
        packing_of(Full(), ROWS)


def test_the_starter_is_packed():
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(STARTER, dtype=torch.bfloat16)
    assert packing_of(model, ROWS) is None


@pytest.mark.parametrize(("name", "said"), [("gemma2", "on"), ("gpt_oss", "off"), ("qwen3_5_text", "off")])
def test_a_run_says_whether_it_packs(name, said, workspace, tmp_path):
    from finetune.recipe import Recipe
    from finetune.training.train import train

    words = ["sea", "the sky over the hills", "a long tale of the moon and of the stars above it all"] * 8
    chats = [[{"role": "user", "content": "What?"}, {"role": "assistant", "content": word}] for word in words]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"messages": chat}) for chat in chats), encoding="utf-8")
    zoo.write(name, workspace.models_dir / name)
    run = workspace.create(
        Recipe.from_dict(
            {
                "model": {"id": name},
                "data": {"path": str(tmp_path / "rows.jsonl")},
                "training": {"max_steps": 1, "batch_size": 8},
                "evaluation": {"times": 0},
            }
        )
    )
    with run.held():
        train(run, workspace)
    view = run.view()
    chosen = {choice.what: choice.value for choice in view.choices}
    assert (view.step, chosen["training.packing"]) == (1, said)

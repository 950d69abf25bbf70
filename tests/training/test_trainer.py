import pytest
import torch
from torch import nn

from finetune.errors import DivergedError
from finetune.training.trainer import (
    EpochOrder,
    cast_once,
    checkpoint_bytes,
    random_state,
    require_finite,
    score_trained_tokens_only,
    set_random_state,
)


def test_the_order_follows_from_the_seed_and_the_epoch_alone():
    order = EpochOrder(50, seed=7)
    first = list(order)
    torch.rand(3)  # what happens to the global generator does not matter
    assert list(order) == first and sorted(first) == list(range(50)) and len(order) == 50
    order.epoch = 1
    assert list(order) != first and list(EpochOrder(50, seed=8)) != first


@pytest.mark.parametrize("lengths", [None, list(range(1, 11))])
def test_the_position_after_the_last_row_fills_up(lengths):
    order = EpochOrder(10, 7, lengths, batch=4, at_once=4)
    assert list(order)[10:] == [10, 10] and sorted(order)[:10] == list(range(10)) and len(order) == 12
    assert list(EpochOrder(12, 7, at_once=4)) == list(EpochOrder(12, 7))


def test_rows_of_like_length_go_together():
    lengths = [n % 40 + 1 for n in range(400)]
    found = list(EpochOrder(400, 7, lengths, batch=8))
    assert sorted(found) == list(range(400))
    spread = [max(batch) - min(batch) for batch in ([lengths[i] for i in found[n : n + 8]] for n in range(0, 400, 8))]
    assert sum(spread) / len(spread) < 6


def test_a_weight_that_is_no_number_is_never_saved():
    model = nn.Linear(4, 4)
    require_finite(model, 3)
    with torch.no_grad():
        model.weight[1, 2] = float("nan")
    with pytest.raises(DivergedError, match="at step 3 weights of weight are no longer numbers"):
        require_finite(model, 3)
    model.weight.requires_grad_(False)
    require_finite(model, 3)


def test_a_checkpoint_holds_what_is_trained_and_two_moments():
    model = nn.Linear(10, 10)
    assert checkpoint_bytes(model) == 110 * 12
    model.weight.requires_grad_(False)
    assert checkpoint_bytes(model) == 10 * 12


def test_chances_can_be_drawn_again():
    states = random_state()
    drawn = torch.rand(5)
    set_random_state(states)
    assert torch.equal(torch.rand(5), drawn)


def test_an_add_on_reads_what_autocast_reads(tiny_model):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.bfloat16)
    torch.manual_seed(1)
    model = get_peft_model(base, LoraConfig(target_modules="all-linear", init_lora_weights=False))
    layer = model.get_base_model().model.layers[0].mlp.up_proj
    hidden, read = torch.randn(2, 5, 64, dtype=torch.bfloat16), []
    layer.lora_A["default"].register_forward_pre_hook(lambda _, given: read.append(given[0].dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast_twice = layer(hidden)
        cast_once(model)
        assert torch.equal(layer(hidden), cast_twice)
    assert read == [torch.float32, torch.bfloat16]


def test_only_what_is_learnt_is_scored_and_the_loss_is_the_same(tiny_model, monkeypatch):
    from transformers import AutoModelForCausalLM
    from trl.trainer import utils

    monkeypatch.setattr(utils, "_use_triton", utils._use_triton)  # is put back afterwards
    scored, score = [], utils._ChunkedLogProbFunction.apply
    monkeypatch.setattr(
        utils._ChunkedLogProbFunction, "apply", lambda hidden, *rest: scored.append(len(hidden)) or score(hidden, *rest)
    )
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    utils.add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
    ids = torch.arange(2 * 9).view(2, 9)
    labels = ids.masked_fill(torch.arange(9) < 6, -100)

    def learn(labels):
        model.zero_grad()
        told = model(input_ids=ids, labels=labels, fused_lm_head=True)
        told.loss.backward()
        sums = torch.stack([told.loss, told.entropy.sum(), told.is_top1.sum()])
        return torch.cat([sums, model.get_input_embeddings().weight.grad.flatten()]).detach()

    utils._use_triton = lambda device: False
    whole = learn(labels)
    score_trained_tokens_only()
    torch.testing.assert_close(learn(labels), whole)
    assert scored == [2 * 8, 2 * 3]
    assert not learn(torch.full_like(ids, -100)).any()

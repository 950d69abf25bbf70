"""The training loop: its batches repeat from the seed, talks in a row do not see each other, and the loss falls."""

import pytest
import torch
from transformers import AutoTokenizer

from finetune.starter import STARTER_DIR
from finetune.starter.pretrain import BATCH_TOKENS, WARM_UP_STEPS, batches, new_model, pretrain, rate_at, weighted_loss


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(STARTER_DIR)


@pytest.fixture(scope="module")
def model(tokenizer):
    return new_model(1, tokenizer.pad_token_id, tokenizer.eos_token_id)


def test_equal_seeds_give_equal_batches(tokenizer):
    one, two = batches(tokenizer, 3), batches(tokenizer, 3)
    for _ in range(10):
        for left, right in zip(next(one), next(two), strict=True):
            assert torch.equal(left, right)
            assert left.numel() == BATCH_TOKENS


def test_widths_suit_four_bit_kernels(model):
    assert 4_000_000 < model.num_parameters() < 5_000_000
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            assert layer.in_features % 64 == 0
            assert layer.out_features % 32 == 0


def test_packed_talks_do_not_see_each_other(model, tokenizer):
    ids = [torch.randint(3, len(tokenizer), (length,)) for length in (9, 14)]
    packed = torch.cat(ids)[None]
    positions = torch.cat([torch.arange(9), torch.arange(14)])[None]
    with torch.inference_mode():
        together = model(input_ids=packed, position_ids=positions, use_cache=False).logits[0, 9:]
        alone = model(input_ids=ids[1][None], use_cache=False).logits[0]
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_the_first_loss_is_that_of_a_guess(model, tokenizer):
    with torch.inference_mode():
        loss = weighted_loss(model, *next(batches(tokenizer, 1)))
    assert abs(loss.item() - torch.log(torch.tensor(float(len(tokenizer)))).item()) < 0.5


def test_a_few_steps_lower_the_loss(tokenizer, monkeypatch):
    monkeypatch.setattr("finetune.starter.pretrain.BATCH_TOKENS", BATCH_TOKENS // 8)
    batch = next(batches(tokenizer, 2))
    model = new_model(2, tokenizer.pad_token_id, tokenizer.eos_token_id)
    with torch.inference_mode():
        before = weighted_loss(model, *batch).item()
    pretrain(model, tokenizer, steps=2, seed=2, peak=20.0)
    with torch.inference_mode():
        assert weighted_loss(model, *batch).item() < before - 0.2


def test_the_rate_rises_stays_and_falls():
    assert rate_at(0, 1000) == pytest.approx(1 / WARM_UP_STEPS)
    assert rate_at(240, 1000) == 1.0
    assert rate_at(1000, 1000) == pytest.approx(0.01)

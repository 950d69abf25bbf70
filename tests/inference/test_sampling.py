"""The next token of base and tuned: as likely as it should be, by the same random numbers."""

import pytest
import torch
from transformers import RepetitionPenaltyLogitsProcessor, TopKLogitsWarper

from finetune.inference.sampling import TOP_FIRST, Sampling, TokenSampler


def test_base_and_tuned_share_the_random_numbers():
    logits = torch.randn(1, 500, generator=torch.Generator().manual_seed(0)).repeat(2, 1)
    sample = TokenSampler(Sampling(temperature=1.0))
    pairs = [sample(logits) for _ in range(50)]
    assert all(base == tuned for base, tuned in pairs)
    assert len({base for base, _ in pairs}) > 20


def test_tokens_are_sampled_as_often_as_their_probability():
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    sample = TokenSampler(Sampling(temperature=1.0, top_p=1.0))
    counts = torch.zeros(4)
    for _ in range(4000):
        counts[sample(probabilities.log().unsqueeze(0))[0]] += 1
    assert torch.allclose(counts / 4000, probabilities, atol=0.03)


def test_top_p_leaves_out_the_tail():
    probabilities = torch.tensor([[0.5, 0.3, 0.15, 0.05]])
    assert TokenSampler(Sampling(top_p=0.8))._nucleus(probabilities[0]).tolist() == pytest.approx([0.5, 0.3, 0, 0])
    assert TokenSampler(Sampling(top_p=0.01))._nucleus(probabilities[0]).tolist() == pytest.approx([0.5, 0, 0, 0])
    flat = torch.full((4000,), 1 / 4000)
    flat[:2] += torch.tensor([1e-4, -1e-4])
    assert (TokenSampler(Sampling(top_p=0.9))._nucleus(flat) > 0).sum() > TOP_FIRST


@pytest.mark.parametrize("k", [1, 3, 50, 400])
def test_top_k_is_that_of_transformers(k):
    scores = torch.randn(1, 300, generator=torch.Generator().manual_seed(0))
    expected = torch.softmax(TopKLogitsWarper(k)(None, scores), -1)[0]
    found = TokenSampler(Sampling(top_k=k))._top(torch.softmax(scores, -1)[0])
    assert torch.allclose(found, expected)
    assert torch.equal(TokenSampler(Sampling())._top(expected), expected)


def test_the_repetition_penalty_is_that_of_transformers():
    scores = torch.randn(2, 300, generator=torch.Generator().manual_seed(0))
    ids = torch.tensor([[1, 2, 2, 250], [4, 5, 6, 7]])
    expected = RepetitionPenaltyLogitsProcessor(1.5)(ids, scores)
    sampler = TokenSampler(Sampling(repetition_penalty=1.5, greedy=True))
    assert torch.equal(
        torch.stack([sampler._penalized(row, seen) for row, seen in zip(scores, ids.tolist())]), expected
    )
    assert sampler(scores, ids.tolist()) == expected.argmax(-1).tolist()


def test_settings_tell_two_samplers_apart():
    def settings(**given):
        return TokenSampler(Sampling(**{"seed": 3, **given})).settings

    assert settings() == settings()
    others = ({"temperature": 1.0}, {"top_p": 0.5}, {"top_k": 5}, {"repetition_penalty": 1.5}, {"greedy": True})
    assert all(settings() != settings(**other) for other in (*others, {"seed": 4}))

"""Log-probabilities, against the losses of plain Transformers."""

import pytest
import torch

from finetune.data.tokens import TokenSequence
from finetune.inference.decoding import Variant
from finetune.inference.generation import Generation
from finetune.inference.likelihood import Likelihood, likelihoods
from tests.inference.families import FAMILIES, build


def sequence(start, length, trained_from):
    ids = tuple(20 + (start + 3 * n) % 200 for n in range(length))
    return TokenSequence(ids, tuple(n >= trained_from for n in range(length)), length)


SEQUENCES = [sequence(0, 12, 5), sequence(7, 5, 1), sequence(9, 9, 8), sequence(2, 9, 2)]


@pytest.mark.parametrize("family", ["llama", "bloom", "gpt2", "mixtral", "mamba", "recurrent_gemma", "rwkv", "lfm2"])
def test_the_mean_is_minus_the_loss_of_transformers(family):
    assert family in FAMILIES
    model = build(family)
    found = likelihoods(Generation(Variant(model), {2}), SEQUENCES)
    for each, likelihood in zip(SEQUENCES, found):
        ids = torch.tensor([each.ids])
        loss = build(family)(input_ids=ids, labels=torch.tensor([each.labels()])).loss
        assert -likelihood.mean == pytest.approx(float(loss), abs=1e-4)
        assert likelihood.tokens == sum(each.trained[1:])


def test_the_first_token_is_never_counted():
    everything = TokenSequence((20, 21, 22), (True, True, True), 3)
    (found,) = likelihoods(Generation(Variant(build("llama")), {2}), [everything])
    assert found.tokens == 2


def test_virtual_tokens_stand_before_each_row():
    from peft import get_peft_model

    from finetune.adapters import ADAPTERS

    adapter = ADAPTERS["prefix"]()
    torch.manual_seed(3)
    model = get_peft_model(build("llama"), adapter.peft_config(build("llama"))).eval()
    first = {"first_cache": lambda: adapter.first_cache(model), "first_positions": adapter.own_positions()}
    found = likelihoods(Generation(Variant(model.get_base_model(), **first), {2}), SEQUENCES)
    for each, likelihood in zip(SEQUENCES, found):
        loss = model(input_ids=torch.tensor([each.ids]), labels=torch.tensor([each.labels()])).loss
        assert -likelihood.mean == pytest.approx(float(loss), abs=1e-4)


def test_nothing_has_no_likelihood():
    assert likelihoods(Generation(Variant(build("llama")), {2}), []) == [] and Likelihood(0.0, 0).mean == 0

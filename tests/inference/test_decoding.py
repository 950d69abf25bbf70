"""One after the other: each as it decodes alone."""

from types import SimpleNamespace

import pytest
import torch

from finetune.errors import ModelError
from finetune.inference.decoding import SequentialDecoding, Variant, cache_argument
from tests.inference.families import build, greedy, tune, walk

IDS = list(range(30, 47))


@pytest.mark.parametrize(
    ("family", "name"), [("llama", "past_key_values"), ("mamba", "cache_params"), ("bamba", "past_key_values")]
)
def test_a_cache_is_given_by_the_models_own_name_for_it(family, name):
    model = build(family)
    assert cache_argument(model) == cache_argument(tune(build(family))) == name
    assert walk(SequentialDecoding(Variant(model), Variant(model)), (IDS, IDS[:6]), 8) == [
        greedy(model, IDS, 8),
        greedy(model, IDS[:6], 8),
    ]


@pytest.mark.parametrize("family", ["minimax", "xlstm", "rwkv"])
def test_a_model_makes_a_cache_of_its_own_kind(family):
    model = build(family)
    variant = Variant(model)
    assert variant.cache() is None
    assert walk(SequentialDecoding(variant, variant), (IDS, IDS[:6]), 8) == [
        greedy(model, IDS, 8),
        greedy(model, IDS[:6], 8),
    ]


def test_a_model_without_a_cache_is_refused():
    class Forgetful(torch.nn.Module):
        config = SimpleNamespace(model_type="goldfish")

        def forward(self, input_ids): ...

    with pytest.raises(ModelError, match="goldfish has no cache"):
        cache_argument(Forgetful())

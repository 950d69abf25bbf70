"""One after the other: each as it decodes alone."""

import pytest
import torch
from transformers import RwkvConfig, RwkvForCausalLM

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


def test_a_model_without_such_a_cache_is_refused():
    torch.manual_seed(0)
    model = RwkvForCausalLM(
        RwkvConfig(vocab_size=64, hidden_size=32, attention_hidden_size=32, num_hidden_layers=2, rescale_every=0)
    )
    with pytest.raises(ModelError, match="rwkv keeps its state"):
        Variant(model).step([1, 2], None, 0)

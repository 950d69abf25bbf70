"""Both in one batch: replaced layers tell base from tuned, and what was replaced is given back."""

import pytest
import torch

from finetune.inference.batched import BatchedDecoding, RowsError
from tests.inference.families import build, greedy, tune

IDS = list(range(30, 47))


def test_what_was_replaced_is_given_back():
    model = tune(build("llama"))
    before = greedy(model, IDS, 8)
    batched = BatchedDecoding(model.base_model.model)
    assert any("forward" in vars(layer) for layer in model.modules())
    assert model.base_model.model.config._attn_implementation == "finetune_rows"
    batched.undo()
    assert not any("forward" in vars(layer) for layer in model.modules())
    assert model.base_model.model.config._attn_implementation == "sdpa"
    assert greedy(model, IDS, 8) == before


def test_a_forward_that_stood_before_is_put_back():
    model = tune(build("llama"))
    layer = next(layer for layer in model.modules() if hasattr(layer, "lora_A"))
    layer.forward = own = layer.forward
    BatchedDecoding(model.base_model.model).undo()
    assert vars(layer)["forward"] is own


def test_a_layer_that_is_given_other_than_two_rows_refuses():
    batched = BatchedDecoding(tune(build("llama")).base_model.model)
    layer = next(layer for layer in batched.model.modules() if hasattr(layer, "lora_A"))
    batched.rows = "both"
    with torch.inference_mode():
        assert layer(torch.zeros(2, 1, 64)).shape[0] == 2
        with pytest.raises(RowsError, match="3 rows"):
            layer(torch.zeros(3, 64))


def test_a_cache_of_more_than_keys_and_values_is_refused():
    batched = BatchedDecoding(tune(build("lfm2")).base_model.model)
    with pytest.raises(RowsError, match="more than keys and values"):
        batched.prefill((IDS[:5], IDS))

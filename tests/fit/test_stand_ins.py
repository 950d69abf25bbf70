"""The stand-ins of the dry run allocate what the real layers allocate, and keep nothing of it."""

import pytest
import torch
from torch import nn

from finetune.fit.stand_ins import CHUNK_VOCABULARY, QuantizedLinear, TritonHead


@pytest.mark.parametrize("double, scale_bytes", [(False, 4), (True, 1)])
def test_a_quantized_layer_holds_half_a_byte_for_each_weight_and_a_scale_for_64(double, scale_bytes):
    layer = QuantizedLinear(nn.Linear(128, 64, bias=False), double)
    held = sum(buffer.nbytes for buffer in layer.buffers())
    assert list(layer.parameters()) == [] and held == 128 * 64 // 2 + 128 * 64 // 64 * scale_bytes


def test_a_quantized_layer_has_the_shapes_and_dtypes_of_a_linear_one():
    hidden = torch.randn(2, 3, 128, requires_grad=True)
    made = QuantizedLinear(nn.Linear(128, 64, bias=False), double=False)(hidden)
    made.sum().backward()
    assert (made.shape, made.dtype) == ((2, 3, 64), torch.float32) and hidden.grad.shape == hidden.shape


@pytest.mark.parametrize("trained", [False, True])
def test_a_head_gives_gradients_of_the_shapes_of_what_it_was_given(trained):
    hidden = torch.randn(5, 16, requires_grad=True)
    weight = torch.randn(CHUNK_VOCABULARY + 3, 16, requires_grad=trained)
    loss = TritonHead.apply(hidden, weight, False)
    loss.backward()
    assert loss.shape == () and hidden.grad.shape == hidden.shape
    assert (weight.grad is not None) == trained

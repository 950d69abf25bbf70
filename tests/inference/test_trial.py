"""The trial sees what it is for: a token without its adapter, and state that reaches the other answer."""

import pytest
import torch

from finetune.inference.batched import TUNED, BatchedDecoding
from finetune.inference.decoding import SequentialDecoding, Variant
from finetune.inference.trial import are_apart, equals, is_untouched, probe, strengthened, walked
from tests.inference.families import build, tune


def plain(model):
    return SequentialDecoding(Variant(model, model.disable_adapter), Variant(model))


def logits_alone(model):
    return [probe(SequentialDecoding(Variant(model)), 1)[0][0] for _ in range(2)]


def test_a_layer_whose_adapter_reaches_one_token_only_is_seen():
    """What happened to a block that flattens batch and time."""
    model = tune(build("llama"))
    with strengthened(model):
        expected = list(walked(plain(model)))
        batched = BatchedDecoding(model.base_model.model)
        assert equals(batched, expected)
        layer = model.base_model.model.model.layers[0].mlp.down_proj
        whole = layer.forward

        def first_token_only(x):
            if batched.rows != TUNED:
                return whole(x)
            return torch.cat([whole(x[:, :1]), layer.base_layer(x[:, 1:])], dim=1)

        layer.forward = first_token_only
        assert not equals(batched, expected)


@pytest.mark.parametrize("family", ["llama", "qwen2_moe", "mamba", "bamba", "granitemoe"])
def test_an_adapter_that_stays_on_for_the_base_is_seen(family):
    alone = logits_alone(build(family))
    model = tune(build(family))
    assert is_untouched(Variant(model, model.disable_adapter), alone)
    assert not is_untouched(Variant(model), alone)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data *= 1e-3
    assert not is_untouched(Variant(model), alone), "also one that has hardly learnt"


def test_a_model_that_does_not_repeat_itself_has_that_much_leeway():
    model = build("llama")
    first, _ = logits_alone(model)
    far = 0.01 * first.std()
    assert is_untouched(Variant(model), [first + far, first])
    assert not is_untouched(Variant(model), [first + far, first + far])


def test_a_strengthened_adapter_shows_and_is_put_back():
    model = tune(build("llama"))
    matrices = [p for name, p in model.named_parameters() if "lora_B" in name]
    for matrix in matrices:
        torch.nn.init.constant_(matrix, 1e-9)
    with strengthened(model):
        base, tuned = list(walked(plain(model)))[0]
        assert (base - tuned).std() > 0.1 * base.std()
    assert all((matrix == 1e-9).all() for matrix in matrices)


@pytest.mark.parametrize(("family", "apart"), [("llama", True), ("mamba", True), ("recurrent_gemma", False)])
def test_state_that_reaches_the_other_answer_is_seen(family, apart):
    assert are_apart(plain(tune(build(family)))) is apart


def test_two_copies_with_state_of_their_own_are_apart():
    base, tuned = build("recurrent_gemma"), tune(build("recurrent_gemma"))
    assert are_apart(SequentialDecoding(Variant(base), Variant(tuned)))


def test_the_probe_is_that_of_each_row_alone():
    model = tune(build("llama"))
    alone = [probe(SequentialDecoding(variant), 1) for variant in plain(model).variants]
    prefilled, stepped = probe(plain(model), 2)
    assert all(torch.equal(prefilled[row], alone[row][0][0]) for row in (0, 1))
    assert all(torch.equal(stepped[row], alone[row][1][0]) for row in (0, 1))
    assert not torch.equal(stepped[0], stepped[1])

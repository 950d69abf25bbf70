"""The trial of TRL's head is right about each architecture: its loss is the model's own, or training is refused."""

import pytest
import torch

from finetune.errors import ModelError
from finetune.training.head import longest_of, require_own_loss
from finetune.training.trainer import suit_chunked_loss
from tests import zoo

ROW = list(range(30, 57))


def suited(name, dtype=torch.float32):
    model = zoo.model(name).to(dtype)
    suit_chunked_loss(model)
    return model


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ["llama", "gemma2", "cohere", "granite", "gpt2", "mamba", "llama4_text"])
def test_a_model_whose_head_is_its_embeddings_is_trained(name, dtype):
    assert require_own_loss(suited(name, dtype), ROW) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_layer_between_decoder_and_head_is_not_left_out_silently(dtype):
    with pytest.raises(ModelError, match=r"\(modernbert-decoder\) cannot be computed here: TRL's chunked"):
        require_own_loss(suited("modernbert-decoder", dtype), ROW)


@pytest.mark.parametrize("damage", ["scale", "bias", "softcap"])
def test_any_other_logits_are_seen(damage):
    class Other(type(zoo.model("llama"))):
        def forward(self, *args, **kwargs):
            output = super().forward(*args, **kwargs)
            ramp = torch.linspace(-3, 3, output.logits.shape[-1]) * output.logits.std()
            changed = {"scale": output.logits * 3, "bias": output.logits + ramp, "softcap": output.logits.tanh()}
            output.logits = changed[damage]
            return output

    model = suited("llama")
    model.__class__ = Other
    with pytest.raises(ModelError, match="standard deviations away"):
        require_own_loss(model, ROW)


def test_the_trial_changes_nothing():
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(suited("llama"), LoraConfig(r=2, target_modules="all-linear")).train()
    state = torch.get_rng_state()
    require_own_loss(model, ROW)
    require_own_loss(model, ROW[:1])
    assert "forward" not in vars(model.get_base_model()) and model.training
    assert torch.equal(state, torch.get_rng_state()) and all(weight.grad is None for weight in model.parameters())


def test_the_trial_takes_the_longest_of_a_few_rows_of_any_method():
    assert longest_of([{"input_ids": [1]}, {"input_ids": [1, 2, 3]}, {"input_ids": [1, 2]}]) == [1, 2, 3]
    assert longest_of([{"prompt_ids": [1], "chosen_ids": [2], "rejected_ids": [3, 4]}]) == [1, 2]
    assert longest_of([{"prompt_ids": [1], "completion_ids": [2, 3], "label": True}]) == [1, 2, 3]
    assert len(longest_of([{"input_ids": [1] * n} for n in range(1, 100)])) == 32


@pytest.mark.heavy
def test_the_whole_zoo_but_two_is_trained_by_its_own_loss():
    refused = []
    for name in zoo.architectures():
        try:
            require_own_loss(suited(name), ROW)
        except ModelError:
            refused.append(name)
    assert refused == ["inkling_text", "modernbert-decoder"]

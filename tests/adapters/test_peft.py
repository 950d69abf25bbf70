import re

import pytest
import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM

from finetune.adapters.peft import KINDS, Others
from finetune.errors import ModelError


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_nothing_when_it_is_off_and_has_a_size(kind, tiny_model):
    ids, counts = torch.arange(60, 80)[None], []
    for size in (4, 2):
        model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()
        with torch.no_grad():
            before = model(input_ids=ids).logits
            tuned = get_peft_model(model, Others(kind=kind, size=size).peft_config(model)).eval()
            for weight in tuned.parameters():
                if weight.requires_grad:
                    weight.add_(0.05 * torch.randn(weight.shape))
            assert not torch.equal(tuned(input_ids=ids).logits, before)
            with tuned.disable_adapter():
                assert torch.equal(tuned(input_ids=ids).logits, before)
        counts.append(sum(weight.numel() for weight in tuned.parameters() if weight.requires_grad))
    assert counts[0] != counts[1]


def test_a_size_that_does_not_divide_the_model_is_refused_with_one_that_does(tiny_model):
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    with pytest.raises(ModelError, match=r"BOFT divides layers into parts of 24, .* a divisor of 64\."):
        Others(kind="boft", size=24).peft_config(model)


@pytest.mark.parametrize("kind, size, words", [("oft", 7, "a divisor of 64"), ("oft", 1, "2 to ")])
def test_rotations_are_of_parts_that_can_be_rotated(kind, size, words, tiny_model):
    with pytest.raises(ModelError) as caught:
        Others(kind=kind, size=size).peft_config(AutoModelForCausalLM.from_pretrained(tiny_model))
    assert words in caught.value.hint


@pytest.mark.parametrize("kind", ["miss", "shira"])
def test_the_largest_size_that_is_named_is_the_largest_that_peft_takes(kind, tiny_model):
    with pytest.raises(ModelError, match="does not suit the layers") as caught:
        Others(kind=kind, size=4096).peft_config(AutoModelForCausalLM.from_pretrained(tiny_model))
    most = int(re.search(r"to (\d+)\.", caught.value.hint)[1])
    get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), Others(kind=kind, size=most).peft_config())
    with pytest.raises(ValueError):
        get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model), Others(kind=kind, size=most + 1).peft_config())

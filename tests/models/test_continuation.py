"""A saved adapter that is trained further: it computes what plain PEFT computes with it, and has gradients."""

import pytest

from finetune.adapters import ADAPTERS
from finetune.models.continuation import trainable_adapter


@pytest.mark.parametrize(
    "adapter",
    [name for name, each in ADAPTERS.items() if name != "qlora" and each.continues and not each().trains_base()],
)
def test_it_begins_where_the_adapter_was_saved_and_is_trainable(adapter, tiny_model, tmp_path):
    import torch
    from peft import PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    def base():
        return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)

    tuned = get_peft_model(base(), ADAPTERS[adapter]().peft_config(base()))
    names = {name for name, weight in tuned.named_parameters() if weight.requires_grad}
    with torch.no_grad():
        for weight in tuned.parameters():
            if weight.requires_grad:
                weight.normal_(std=0.1)
    tuned.save_pretrained(tmp_path)
    ids = torch.arange(20)[None]
    expected = PeftModel.from_pretrained(base(), tmp_path).eval()(input_ids=ids).logits
    further = trainable_adapter(base(), tmp_path).eval()
    assert {name for name, weight in further.named_parameters() if weight.requires_grad} == names
    torch.testing.assert_close(further(input_ids=ids).logits, expected)
    further(input_ids=ids, labels=ids).loss.backward()
    assert all(weight.grad is not None for weight in further.parameters() if weight.requires_grad)

import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM

from finetune.adapters.ptuning import PTuning


def encoded(folder):
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return get_peft_model(base, PTuning(virtual_tokens=5).peft_config())


def test_its_state_is_the_encoder_which_peft_does_not_save(tiny_model):
    adapter, model, other = PTuning(virtual_tokens=5), encoded(tiny_model), encoded(tiny_model)
    with torch.no_grad():
        for weight in model.prompt_encoder.parameters():
            weight.normal_()
    assert len(adapter.state_of(model)) == 7, "the embedding, and three layers with their biases"
    adapter.set_state(other, adapter.state_of(model))
    assert torch.equal(other.get_prompt(batch_size=1), model.get_prompt(batch_size=1))


def test_a_saved_soft_prompt_is_not_trained_further():
    assert not PTuning.continues

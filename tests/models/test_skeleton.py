import pytest

from finetune.models.skeleton import config_of, skeleton
from tests import zoo


def test_it_has_the_tensors_of_the_model_and_no_memory(tiny_model):
    from transformers import AutoModelForCausalLM

    model = skeleton(tiny_model)
    assert {weight.device.type for weight in model.parameters()} == {"meta"}
    whole = AutoModelForCausalLM.from_pretrained(tiny_model)
    assert {name: weight.shape for name, weight in model.named_parameters()} == {
        name: weight.shape for name, weight in whole.named_parameters()
    }


@pytest.mark.parametrize("name", ["qwen2", "gemma3_text"])
def test_it_has_as_many_layers_as_are_asked_for(name, tmp_path):
    folder = zoo.write(name, tmp_path)
    count = config_of(folder).num_hidden_layers
    assert len(skeleton(folder, layers=1).model.layers) == 1
    assert len(skeleton(folder).model.layers) == count == config_of(folder).num_hidden_layers

import pytest
import torch
from peft import get_peft_model

from finetune.adapters.ia3 import IA3
from finetune.errors import ModelError
from tests import zoo


@pytest.mark.parametrize(
    ("name", "scaled", "inner"),
    [
        ("qwen2", {"k_proj", "v_proj"}, {"down_proj"}),
        ("llama", {"k_proj", "v_proj"}, {"down_proj"}),
        ("phi3", {"qkv_proj"}, {"down_proj"}),
        ("falcon", {"query_key_value"}, {"dense_4h_to_h"}),
        ("bloom", {"query_key_value"}, {"dense_4h_to_h"}),
    ],
)
def test_keys_values_and_the_inner_layer_are_rescaled(name, scaled, inner):
    model = zoo.model(name)
    config = IA3().peft_config(model)
    ends = {each.rpartition(".")[2] for each in config.target_modules}
    assert ends == scaled | inner and {each.rpartition(".")[2] for each in config.feedforward_modules} == inner
    tuned, ids = get_peft_model(model, config).eval(), torch.arange(20, 40)[None]
    with torch.no_grad(), tuned.disable_adapter():
        before = tuned(input_ids=ids).logits
    with torch.no_grad():
        assert torch.equal(tuned(input_ids=ids).logits, before), "all factors are one at first"


def test_a_model_with_other_names_is_refused():
    with pytest.raises(ModelError, match=r"does not know the layers of this model \(mamba\)"):
        IA3().peft_config(zoo.model("mamba"))

import pytest

from finetune.adapters.names import listed, named, require, require_layers, require_unquantized
from finetune.adapters.targets import left_out
from finetune.errors import ModelError
from tests import zoo


def test_commas_separate_names():
    assert listed(" q_proj,v_proj , ") == ["q_proj", "v_proj"] and listed("") == []


def test_modules_are_named_by_as_little_as_tells_them_apart():
    model = zoo.model("llama")
    assert named(model, lambda name, part, parent: name.endswith("q_proj")) == ["q_proj"]
    assert named(model, lambda name, part, parent: name == "model.layers.0.mlp.up_proj") == ["0.mlp.up_proj"]
    assert named(model, lambda name, part, parent: False) == []


def test_a_name_that_a_model_has_not_is_refused_with_those_that_it_has():
    require(zoo.model("llama"), ["q_proj", "mlp.up_proj"], "adapter.target_modules")
    with pytest.raises(ModelError, match=r"no layer called wq \(adapter.target_modules\)\. It has: .*q_proj"):
        require(zoo.model("llama"), ["wq"], "adapter.target_modules")


WHERE = "adapter.target_modules"


@pytest.mark.parametrize("name", ["q_proj", "mlp.up_proj", "embed_tokens", "layers.0.self_attn.q_proj"])
def test_layers_that_an_adapter_can_be_beside_may_be_named(name):
    assert require_layers(zoo.model("llama"), [name], WHERE, []) is None


@pytest.mark.parametrize(
    "name, words",
    [
        ("mlp", "Name such layers: down_proj, gate_proj, up_proj."),
        ("0", "Name such layers: down_proj, .*q_proj"),
        ("layers", "Name such layers: down_proj, .*q_proj"),
        ("input_layernorm", "Name such layers: .*q_proj"),
        ("act_fn", "Name such layers: .*q_proj"),
        ("lm_head", "Train them whole: adapter.modules_to_save: lm_head."),
        ("wq", "It has: .*q_proj"),
    ],
)
def test_other_parts_of_a_model_are_refused_with_layers_that_can(name, words):
    with pytest.raises(ModelError, match=words) as caught:
        require_layers(zoo.model("llama"), ["q_proj", name], WHERE, [])
    assert WHERE in caught.value.message and name in caught.value.message


def test_a_name_of_nothing_but_layers_that_get_no_adapter_is_refused():
    model = zoo.model("mamba")
    left = left_out(model)
    assert any(each.endswith("mixer.out_proj") for each in left)
    require_layers(model, ["in_proj"], WHERE, left)
    with pytest.raises(ModelError, match="out_proj is no layer that an adapter can be beside"):
        require_layers(model, ["out_proj"], WHERE, left)


def test_quantized_layers_are_not_trained_whole():
    model = zoo.model("llama")
    require_unquantized(model, ["embed_tokens", "norm", "lm_head"], "adapter.modules_to_save")
    for name in ("q_proj", "mlp", "layers"):
        with pytest.raises(ModelError, match=f"{name} is quantized"):
            require_unquantized(model, [name], "adapter.modules_to_save")

import pytest

from finetune.adapters.names import listed, named, require
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

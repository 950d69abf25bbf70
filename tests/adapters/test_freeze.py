import pytest
from transformers import AutoModelForCausalLM

from finetune.adapters.freeze import Freeze
from finetune.adapters.targets import freeze_towers
from finetune.errors import ModelError
from tests import zoo


def trained(model, **settings) -> set[str]:
    Freeze(**settings).choose_weights(model)
    return {name for name, weight in model.named_parameters() if weight.requires_grad}


@pytest.fixture
def model(tiny_model):
    return AutoModelForCausalLM.from_pretrained(tiny_model)


def test_the_last_layers_are_trained(model):
    assert {name.split(".")[2] for name in trained(model, layers=1)} == {"1"}


def test_norm_and_head_are_trained_too_where_it_is_asked(model):
    found = trained(model, layers=1, norm_and_head=True)
    assert {name for name in found if ".layers." not in name} == {"model.norm.weight", "model.embed_tokens.weight"}


def test_layers_can_be_named(model):
    found = trained(model, modules="q_proj.weight, mlp.up_proj")
    assert {name.split(".", 3)[3] for name in found} == {"self_attn.q_proj.weight", "mlp.up_proj.weight"}
    assert {name.split(".")[2] for name in found} == {"0", "1"}


def test_a_name_that_is_nowhere_is_refused_with_those_that_are(model):
    with pytest.raises(ModelError, match=r"No weight of this model has xyz in its name, but .*down_proj"):
        trained(model, modules="xyz")
    with pytest.raises(ModelError, match="No weight of this model has xyz in its name"):
        trained(model, modules="mlp, xyz")


def test_tied_embeddings_can_be_named_as_the_head(model):
    assert trained(model, modules="lm_head") == {"model.embed_tokens.weight"}


def test_more_layers_than_there_are_are_refused(model):
    assert trained(model, layers=2)
    with pytest.raises(ModelError, match=r"This model has 2 layers, and 3 are to be trained \(adapter.layers\)"):
        trained(model, layers=3)


@pytest.mark.parametrize("name", ["gpt2", "falcon", "mamba", "phi3", "bloom", "gemma3"])
def test_the_layers_are_found_in_other_families(name):
    model = zoo.model(name)
    freeze_towers(model)
    found = trained(model, layers=1)
    assert found and all(".1." in each and "vision" not in each for each in found)

"""BitFit: biases alone, and biases that a model did not have."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM

from finetune.adapters.bitfit import BitFit
from finetune.errors import ModelError
from finetune.training.train import train
from tests import zoo
from tests.training.test_train import recipe


def test_only_biases_are_trained(tiny_model):
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    BitFit().choose_weights(model)
    found = {name.rpartition(".")[2] for name, weight in model.named_parameters() if weight.requires_grad}
    assert found == {"bias"}


@pytest.mark.parametrize("name", ["llama", "mistral", "gemma2"])
def test_a_model_without_biases_is_refused_in_words(name):
    with pytest.raises(ModelError, match=rf"This model \({name}\) has no biases to train"):
        BitFit().choose_weights(zoo.model(name))


@pytest.mark.parametrize(("name", "layers"), [("llama", 7), ("qwen3", 4), ("granite", 7), ("gemma2", 4)])
def test_biases_that_are_added_change_nothing_at_first(name, layers):
    model, ids = zoo.model(name).eval(), torch.arange(20, 40)[None]
    with torch.no_grad():
        before = model(input_ids=ids).logits
        BitFit(add_biases=True).choose_weights(model)
        assert torch.equal(model(input_ids=ids).logits, before)
    assert sum(weight.requires_grad for weight in model.parameters()) == 2 * layers


def test_a_family_whose_config_has_no_word_for_biases_is_refused():
    with pytest.raises(ModelError, match="no biases to train"):
        BitFit(add_biases=True).choose_weights(zoo.model("mistral"))


def test_added_biases_are_saved_and_loaded_by_plain_transformers(workspace, tmp_path):
    zoo.write("llama", workspace.models_dir / "llama")
    settings = {"training.max_steps": 3, "evaluation.times": 1, "training.learning_rate": 0.1}
    run = workspace.create(
        recipe(tmp_path, adapter="bitfit", **{"adapter.add_biases": True, "model.id": "llama"}, **settings)
    )
    with run.held():
        train(run, workspace)
    assert json.loads((run.model_dir / "config.json").read_text())["attention_bias"]
    model, info = AutoModelForCausalLM.from_pretrained(run.model_dir, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    biases = [weight for name, weight in model.named_parameters() if name.endswith("bias")]
    assert biases and all(weight.any() for weight in biases[:4])

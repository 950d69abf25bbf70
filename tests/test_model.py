import gc
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from finetune import model
from finetune.adapters import ADAPTERS
from finetune.errors import ModelError
from finetune.model import known_models, load_base, load_tokenizer, local_models, locate, save
from finetune.recipe import ModelSettings, Recipe

TINY = ModelSettings(id="tiny")


@pytest.fixture
def broken(with_tiny, tiny_model):
    """A copy of the tiny model to be damaged, called ``broken``."""
    folder = with_tiny.models_dir / "broken"
    shutil.copytree(tiny_model, folder)
    return folder


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refusal(workspace, name="broken"):
    with pytest.raises(ModelError) as caught:
        locate(ModelSettings(id=name), workspace)
    return caught.value


def test_the_starter_and_local_folders_are_found(with_tiny):
    assert locate(ModelSettings(), with_tiny) == model.STARTER
    assert locate(TINY, with_tiny) == with_tiny.models_dir / "tiny"
    assert local_models(with_tiny) == ["tiny"]


@pytest.mark.parametrize("name", ["nothing", "../secrets", "/etc", "a/b/c", "a/..", "https://example.com/x"])
def test_an_id_that_is_neither_folder_nor_hub_model_is_refused(workspace, name):
    assert "There is no model" in refusal(workspace, name).message


def test_a_hub_model_offline_is_refused_in_one_sentence(workspace):
    error = refusal(workspace, "someone/some-model")
    assert "could not be downloaded" in error.message and "starter" in error.hint


def test_a_local_folder_does_not_shadow_the_hub(with_tiny, tiny_model):
    (with_tiny.models_dir / "someone").mkdir()
    (with_tiny.models_dir / "someone" / "some-model").symlink_to(tiny_model)
    assert "could not be downloaded" in refusal(with_tiny, "someone/some-model").message


def test_weights_in_other_formats_are_refused(broken, with_tiny):
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    assert "no safetensors" in refusal(with_tiny).message


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"auto_map": {"AutoModel": "evil.Model"}}, "needs its own code"),
        ({"_attn_implementation": "org/kernel"}, "loads code from another repository"),
        ({"num_hidden_layers": 200_000}, "num_hidden_layers = 200,000"),
    ],
)
def test_a_malicious_config_is_refused_before_it_is_loaded(broken, with_tiny, changes, words):
    edit_config(broken, **changes)
    assert words in refusal(with_tiny).message


def test_a_tokenizer_without_a_padding_token_pads_with_its_end_token(broken, with_tiny):
    path = broken / "tokenizer_config.json"
    config = json.loads(path.read_text())
    config["pad_token"] = None
    path.write_text(json.dumps(config))
    tokenizer = load_tokenizer(ModelSettings(id="broken"), with_tiny)
    assert tokenizer.pad_token == tokenizer.eos_token == "<|im_end|>"


def test_four_bit_layers_stay_differentiable_after_an_evaluation(with_tiny):
    import torch

    base = load_base(TINY, with_tiny, ADAPTERS["qlora"](), torch.bfloat16)
    ids = torch.arange(8)[None]
    with torch.no_grad():
        base(input_ids=ids)
    inputs = base.get_input_embeddings()(ids).detach().requires_grad_()
    base.model.layers[0].mlp(inputs).sum().backward()
    assert inputs.grad is not None and inputs.grad.abs().sum() > 0


def test_a_quantized_model_frees_its_files(with_tiny):
    import torch

    file = str(with_tiny.models_dir / "tiny" / "model.safetensors")
    base = load_base(TINY, with_tiny, ADAPTERS["qlora"](), torch.bfloat16)
    plain = load_base(TINY, with_tiny, ADAPTERS["lora"](), torch.bfloat16)
    assert torch.equal(base.get_input_embeddings().weight, plain.get_input_embeddings().weight)
    assert base.get_output_embeddings().weight is base.get_input_embeddings().weight
    if sys.platform == "linux":
        del plain
        gc.collect()
        assert os.path.realpath(file) not in Path("/proc/self/maps").read_text()


def test_an_adapter_is_saved_without_a_path_of_this_machine(with_tiny):
    import torch
    from peft import get_peft_model

    run = with_tiny.create(Recipe.from_dict({"data": {"path": "x"}, "model": {"id": "tiny"}}))
    tuned = get_peft_model(
        load_base(TINY, with_tiny, ADAPTERS["lora"](), torch.float32), ADAPTERS["lora"]().peft_config()
    )
    save(tuned, load_tokenizer(TINY, with_tiny), run, TINY)
    config = json.loads((run.model_dir / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny"
    assert (run.model_dir / "adapter_model.safetensors").is_file()
    assert str(with_tiny.path) not in "".join(path.read_text() for path in run.model_dir.glob("*.json"))


def test_each_known_model_states_what_it_needs():
    models = known_models()
    assert len(models) >= 8
    assert all(known.license and known.needs and known.parameters > 0 for known in models)

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from safetensors.torch import load_file, save_file
from transformers import AutoConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from finetune.errors import RunError
from finetune.exports.llama_cpp.families import FAMILIES
from finetune.exports.llama_cpp.tensors import Weights, factors
from tests.exports.llama_cpp.tiny_families import write_family


def stored(file) -> dict:
    return {tensor.name: np.array(tensor.data, dtype=np.float32) for tensor in GGUFReader(file).tensors}


def test_queries_and_keys_are_stored_in_pairs(written):
    folder, file = written("llama 3")
    own, found = load_file(folder / "model.safetensors"), stored(file)
    for layer, heads, name in (("q_proj", 4, "attn_q"), ("k_proj", 2, "attn_k")):
        for part in ("weight", "bias"):
            # Row 2n of a head is its row n, row 2n + 1 is the row n of its second half.
            halves = own[f"model.layers.1.self_attn.{layer}.{part}"].float().numpy().reshape(heads, 2, 8, -1)
            pairs = found[f"blk.1.{name}.{part}"].reshape(heads, 8, 2, -1)
            assert (pairs[:, :, 0] == halves[:, 0]).all() and (pairs[:, :, 1] == halves[:, 1]).all()
    assert (found["blk.0.attn_v.weight"] == own["model.layers.0.self_attn.v_proj.weight"].float().numpy()).all()


@pytest.mark.parametrize("name", ["gemma", "gemma2"])
def test_the_norms_of_gemma_are_stored_as_what_is_multiplied(name, written):
    folder, file = written(name)
    own, found = load_file(folder / "model.safetensors"), stored(file)
    assert np.allclose(found["output_norm.weight"], own["model.norm.weight"].float().numpy() + 1, atol=1e-6)
    assert np.allclose(found["blk.0.attn_norm.weight"], own["model.layers.0.input_layernorm.weight"].float() + 1)
    assert "output.weight" not in found


def test_the_factors_of_llama_3_are_those_of_transformers(written):
    config = AutoConfig.from_pretrained(written("llama 3")[0])
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    plain = 1 / config.rope_parameters["rope_theta"] ** (torch.arange(0, 16, 2) / 16)
    assert torch.allclose(torch.tensor(factors(config)["rope_freqs.weight"]), plain / scaled, rtol=1e-5)


def test_both_factors_of_longrope_are_stored(written):
    found = stored(written("phi4 mini")[1])
    assert found["rope_factors_long.weight"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found["rope_factors_short.weight"][0] == 1 and np.isclose(found["rope_factors_short.weight"][7], 1.7)


def test_a_weight_that_llama_cpp_has_no_name_for_is_refused(tmp_path):
    folder = write_family("qwen2", tmp_path / "tiny")
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"model.layers.0.extra.weight": torch.zeros(2)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(RunError, match=r"no place for the weight model\.layers\.0\.extra\.weight"):
        list(Weights(folder, AutoConfig.from_pretrained(folder), FAMILIES["qwen2"]))


def test_the_text_part_of_a_larger_model_is_what_is_written(tmp_path):
    folder = write_family("gemma3", tmp_path / "tiny")
    config = AutoConfig.from_pretrained(folder)
    plain = {named.name: named.shape for named in Weights(folder, config, FAMILIES["gemma3"])}
    own = load_file(folder / "model.safetensors")
    for form in ("model.language_model.{}", "language_model.model.{}"):
        inside = {form.format(name.removeprefix("model.")): weight for name, weight in own.items()}
        tower = {"model.vision_tower.x.weight": torch.zeros(2), "model.multi_modal_projector.y.weight": torch.zeros(2)}
        save_file(inside | tower, folder / "model.safetensors", {"format": "pt"})
        assert {named.name: named.shape for named in Weights(folder, config, FAMILIES["gemma3"])} == plain


def test_a_model_in_several_files_is_whole(written, tmp_path):
    folder, _ = written("qwen2")
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder)
    model.save_pretrained(tmp_path / "parts", max_shard_size="40KB")
    assert len(list((tmp_path / "parts").glob("*.safetensors"))) > 1
    config = AutoConfig.from_pretrained(folder)
    whole, parts = (Weights(place, config, FAMILIES["qwen2"]) for place in (folder, tmp_path / "parts"))
    read = {named.name: parts.read(named) for named in parts}
    assert read.keys() == {named.name for named in whole}
    assert all((whole.read(named) == read[named.name]).all() for named in whole)

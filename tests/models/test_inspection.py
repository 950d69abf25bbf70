"""Models as people have them: what cannot be trained rightly is refused before a weight is read, and says why."""

import json
from importlib import import_module

import pytest
import torch
from safetensors.torch import load_file

from finetune.adapters import ADAPTERS
from finetune.errors import ModelError
from finetune.models.inspection import inspect, require_attachable, require_suited
from finetune.models.loading import load_weights
from tests.models.damage import edit_config, edit_tensors


def refused(folder) -> str:
    with pytest.raises(ModelError) as caught:
        inspect(folder, "mine")
    with pytest.raises(ModelError):  # the same if somebody loads it without asking
        load_weights(folder, torch.float32, "cpu")
    return caught.value.message


def test_a_whole_model_is_inspected_without_its_weights(tiny_model, monkeypatch):
    from safetensors import safe_open

    found = inspect(tiny_model, "tiny")
    assert found.architecture.type == "qwen2" and found.notes == ()
    assert safe_open and inspect(tiny_model, "tiny") is found, "the same files are inspected once"


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "base_model.model."])
def test_weights_under_other_names_are_refused(broken, prefix):
    edit_tensors(broken, lambda tensors: {f"{prefix}{name}": tensor for name, tensor in tensors.items()})
    assert "is missing in its files" in refused(broken)


def test_a_lost_layer_is_refused_by_name(broken):
    edit_tensors(broken, lambda tensors: {name: each for name, each in tensors.items() if "layers.1.mlp" not in name})
    assert "3 tensors" in refused(broken) and "model.layers.1.mlp" in refused(broken)


@pytest.mark.parametrize(
    ("animals", "name", "lost"),
    [
        ("zoo", "qwen3_moe", "layers.0.mlp.experts.2.gate_proj"),
        ("zoo", "qwen3_moe", "layers.1.mlp.experts.3.down_proj"),
        ("zoo", "granitemoe", "layers.1.block_sparse_moe.input_linear"),
        ("gallery", "qwen3_vl", "visual.blocks.0.attn.qkv.weight"),
        ("gallery", "llava", "multi_modal_projector.linear_1.bias"),
        ("gallery", "qwen3_vl_moe", "layers.0.mlp.experts.down_proj"),
    ],
)
def test_a_lost_expert_or_a_piece_of_a_tower_is_refused(animals, name, lost, tmp_path):
    import_module(f"tests.{animals}").write(name, tmp_path)
    before = load_file(tmp_path / "model.safetensors").keys()
    edit_tensors(tmp_path, lambda tensors: {key: each for key, each in tensors.items() if lost not in key})
    assert len(load_file(tmp_path / "model.safetensors")) == len(before) - 1
    words = refused(tmp_path)
    assert any(part in words for part in ("is missing in its files", "another shape", "such as its experts"))


def test_a_config_that_forgets_a_layer_is_refused(broken):
    edit_config(broken, num_hidden_layers=1, layer_types=["full_attention"])
    assert "has no place in it: model.layers.1." in refused(broken)


def test_a_config_of_another_size_is_refused(broken):
    edit_config(broken, intermediate_size=96)
    assert "another shape" in refused(broken) and "is (64, 128) instead of (64, 96)" in refused(broken)


def test_an_untied_model_without_its_head_is_refused(broken):
    edit_config(broken, tie_word_embeddings=False)
    edit_tensors(broken, lambda tensors: {name: each for name, each in tensors.items() if name != "lm_head.weight"})
    assert "lm_head.weight" in refused(broken)


def as_gptq(tensors):
    found = {}
    for name, tensor in tensors.items():
        if "_proj.weight" in name:
            stem = name.removesuffix("weight")
            found[f"{stem}qweight"] = torch.zeros(tensor.shape[1] // 8, tensor.shape[0], dtype=torch.int32)
            found[f"{stem}scales"] = torch.ones(1, tensor.shape[0], dtype=torch.float16)
        else:
            found[name] = tensor
    return found


@pytest.mark.parametrize("said", [True, False])
def test_gptq_is_refused_also_where_the_config_does_not_say_so(broken, said):
    edit_tensors(broken, as_gptq)
    if said:
        edit_config(broken, quantization_config={"quant_method": "gptq", "bits": 4, "group_size": 128})
    words = refused(broken)
    assert "quantized (gptq)" in words if said else "qweight" in words


def as_fp8(tensors):
    found = {}
    for name, tensor in tensors.items():
        found[name] = tensor
        if "_proj.weight" in name:
            scale = tensor.float().abs().max() / 448
            found[name] = (tensor.float() / scale).to(torch.float8_e4m3fn)
            found[f"{name}_scale_inv"] = torch.full([-(-size // 128) for size in tensor.shape], scale.item())
    return found


def test_fp8_is_trained_on_its_real_values(broken):
    plain = load_file(broken / "model.safetensors")
    edit_tensors(broken, as_fp8)
    edit_config(broken, quantization_config={"quant_method": "fp8", "weight_block_size": [128, 128]})
    assert "stored in FP8" in inspect(broken, "mine").notes[0]
    model = load_weights(broken, torch.bfloat16, "cpu")
    for name, weight in model.state_dict().items():
        if name in plain:  # e4m3 keeps 4 bits of each value
            error = (weight.float() - plain[name].float()).abs().max()
            assert weight.dtype == torch.bfloat16 and error <= plain[name].float().abs().max() / 14, name
    assert not hasattr(model.config, "quantization_config")


def test_scales_that_the_config_does_not_mention_are_refused(broken):
    edit_tensors(broken, as_fp8)
    assert "weight_scale_inv" in refused(broken)


def test_an_adapter_that_the_stored_format_does_not_allow_is_refused(tiny_model):
    from dataclasses import replace

    found = inspect(tiny_model, "tiny")
    for name, quantization, words in (("qlora", "fp8", "cannot quantize"), ("full", "bitsandbytes_4bit", "cannot be")):
        stored = replace(found, architecture=replace(found.architecture, quantization=quantization))
        with pytest.raises(ModelError, match=words):
            require_suited(ADAPTERS[name](), stored)
        require_suited(ADAPTERS["lora"](), stored)
    for adapter in ADAPTERS.values():
        require_suited(adapter(), found)


def test_code_of_a_known_architecture_is_not_run(broken, tmp_path):
    (broken / "modeling_evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: ...")
    edit_config(broken, auto_map={"AutoModelForCausalLM": "modeling_evil.Evil", "AutoConfig": "modeling_evil.Evil"})
    assert inspect(broken, "mine").architecture.type == "qwen2"
    load_weights(broken, torch.float32, "cpu")
    assert not (tmp_path / "ran").exists()


def test_a_damaged_tokenizer_is_one_sentence(broken):
    (broken / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": {"type": "Future"}}))
    with pytest.raises(ModelError, match="The tokenizer of the model mine cannot be read: "):
        inspect(broken, "mine")


def test_an_architecture_without_fused_attention_is_loaded_and_noted(tmp_path, tiny_model):
    import shutil

    from transformers import Gemma2Config, Gemma2ForCausalLM

    config = Gemma2Config(
        vocab_size=259, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16,
    )  # fmt: skip
    Gemma2ForCausalLM(config).save_pretrained(tmp_path / "gemma2")
    for file in tiny_model.glob("*token*"):
        shutil.copy(file, tmp_path / "gemma2")
    assert "eager attention" in inspect(tmp_path / "gemma2", "mine").notes[0]
    assert load_weights(tmp_path / "gemma2", torch.float32, "cpu").config._attn_implementation == "eager"


@pytest.mark.parametrize(
    "kind, settings, words",
    [
        ("lora", {"target_modules": "mlp"}, "no layer that an adapter can be beside"),
        ("lora", {"modules_to_save": "xyz"}, "no layer called xyz"),
        ("freeze", {"layers": 3}, "This model has 2 layers"),
        ("freeze", {"modules": "mlp, xyz"}, "No weight of this model has xyz"),
        ("peft", {"kind": "boft", "size": 7}, "does not divide"),
    ],
)
def test_layers_that_a_model_has_not_are_found_without_its_weights(tiny_model, kind, settings, words):
    require_attachable(ADAPTERS[kind](), tiny_model)
    with pytest.raises(ModelError, match=words):
        require_attachable(ADAPTERS[kind](**settings), tiny_model)

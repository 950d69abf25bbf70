"""The keys of the file against the config, by the names of the gguf documentation."""

import math

import pytest
from gguf import GGUFReader
from transformers import AutoConfig

from tests.exports.llama_cpp.tiny_families import TINY


def keys(file) -> dict:
    return {name: field.contents() for name, field in GGUFReader(file).fields.items()}


@pytest.mark.parametrize("name", TINY)
def test_sizes_are_those_of_the_config(name, written):
    folder, file = written(name)
    config, found = AutoConfig.from_pretrained(folder), keys(file)
    arch = found["general.architecture"]
    assert arch == {"mistral": "llama", "gemma3_text": "gemma3"}.get(TINY[name][0], TINY[name][0])
    own = {key.removeprefix(f"{arch}."): value for key, value in found.items() if key.startswith(arch)}
    assert own["block_count"] == config.num_hidden_layers and own["embedding_length"] == config.hidden_size
    assert own["feed_forward_length"] == config.intermediate_size and own["vocab_size"] == config.vocab_size
    heads = own["attention.head_count"], own["attention.head_count_kv"]
    assert heads == (config.num_attention_heads, config.num_key_value_heads)
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    assert own["attention.key_length"] == own["attention.value_length"] == own["rope.dimension_count"] == size
    assert math.isclose(own["attention.layer_norm_rms_epsilon"], config.rms_norm_eps, rel_tol=1e-6)
    assert found["general.file_type"] == 1 and found["general.name"].startswith(name)


def test_positions_are_those_of_the_config(written):
    assert keys(written("linear")[1])["llama.rope.scaling.factor"] == 2.0
    yarn = keys(written("yarn")[1])
    assert yarn["qwen2.rope.scaling.type"] == "yarn" and yarn["qwen2.rope.scaling.factor"] == 4.0
    assert yarn["qwen2.rope.scaling.original_context_length"] == 64 and yarn["qwen2.rope.freq_base"] == 1e6
    gemma = keys(written("gemma3")[1])
    assert (gemma["gemma3.rope.freq_base"], gemma["gemma3.rope.freq_base_swa"]) == (1e6, 1e4)
    assert gemma["gemma3.attention.sliding_window"] == 16
    phi = keys(written("phi4 mini")[1])
    assert phi["phi3.rope.scaling.original_context_length"] == 256
    # sqrt(1 + ln(1024 / 256) / ln(256))
    assert math.isclose(phi["phi3.rope.scaling.attn_factor"], math.sqrt(1.25), rel_tol=1e-6)


def test_soft_caps_of_gemma_2_are_kept(written):
    found = keys(written("gemma2")[1])
    assert (found["gemma2.attn_logit_softcapping"], found["gemma2.final_logit_softcapping"]) == (50.0, 30.0)


def test_the_context_ends_with_a_window_that_llama_cpp_does_not_have(written):
    assert keys(written("mistral with a window")[1])["llama.context_length"] == 128
    assert keys(written("mistral")[1])["llama.context_length"] == 256
    assert keys(written("gemma2")[1])["gemma2.context_length"] == 256

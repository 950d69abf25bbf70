import pytest
from transformers import AutoConfig

from finetune.exports.llama_cpp.families import FAMILIES, problem, text_type
from tests.exports.llama_cpp.tiny_families import COMMON, GEMMAS, TINY


def config(kind, **own):
    return AutoConfig.for_model(kind, **COMMON | own)


@pytest.mark.parametrize("name", TINY)
def test_the_models_that_are_written_have_no_problem(name):
    kind, _, own = TINY[name]
    assert problem(config(kind, **own)) == ""


@pytest.mark.parametrize(
    ("kind", "own", "said"),
    [
        ("llama", {"hidden_act": "gelu"}, "activation function gelu"),
        ("gemma2", GEMMAS | {"tie_word_embeddings": False}, "head of its own"),
        ("gemma2", GEMMAS | {"query_pre_attn_scalar": 64}, "scaled by 64"),
        ("gemma3_text", GEMMAS | {"layer_types": ["full_attention"] * 2}, "sliding window in other layers"),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}, "a sliding window"),
        ("smollm3", {"no_rope_layers": [1, 0], "pad_token_id": 0}, "layers without positions"),
        ("qwen3", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}}, "kind dynamic"),
        ("qwen2", {"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0, "mscale": 0.7,
         "original_max_position_embeddings": 64}}, "YaRN with mscale"),
        ("llama", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5}},
         "part of each head"),
    ],
)  # fmt: skip
def test_what_llama_cpp_would_compute_otherwise_is_named(kind, own, said):
    assert said in problem(config(kind, **own))


def test_the_text_model_of_a_larger_one_counts():
    assert text_type({"model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}}) == "gemma3"
    assert text_type({"model_type": "mistral3", "text_config": {"model_type": "mistral"}}) == "mistral"
    assert text_type({"model_type": "bloom"}) not in FAMILIES and text_type({}) == ""

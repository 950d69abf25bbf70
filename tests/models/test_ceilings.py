"""Configs that ask for absurd sizes: refused at once, and those of published models are not."""

import json
import time

import pytest

from finetune.errors import ModelError
from finetune.models.ceilings import require_sane
from finetune.models.locate import locate
from finetune.recipe import ModelSettings

PUBLISHED = {
    "Llama 3.1 405B": {
        "num_hidden_layers": 126,
        "hidden_size": 16384,
        "intermediate_size": 53248,
        "vocab_size": 128256,
    },
    "DeepSeek V3": {
        "num_hidden_layers": 61,
        "n_routed_experts": 256,
        "hidden_size": 7168,
        "num_nextn_predict_layers": 1,
    },
    "Kimi K2": {"num_hidden_layers": 61, "n_routed_experts": 384, "num_attention_heads": 64, "num_experts_per_tok": 8},
    "Llama 4 Scout": {
        "text_config": {"max_position_embeddings": 10485760, "num_hidden_layers": 48, "num_local_experts": 16}
    },
    "Gemma 3": {"text_config": {"sliding_window": 1024, "vocab_size": 262208, "query_pre_attn_scalar": 168}},
    "Qwen 2.5": {
        "max_window_layers": 70,
        "num_hidden_layers": 80,
        "sliding_window": 131072,
        "use_sliding_window": False,
    },
    "GPT-2": {"n_layer": 48, "n_head": 25, "n_embd": 1600, "n_positions": 1024, "n_ctx": 1024, "vocab_size": 50257},
    "a vision tower": {"vision_config": {"depth": 32, "embed_dim": 1280, "image_size": 896, "num_heads": 16}},
}


@pytest.mark.parametrize("config", PUBLISHED.values(), ids=PUBLISHED)
def test_the_sizes_of_published_models_are_taken(config):
    assert require_sane(config, "model", tensors=3000) is None


ABSURD = [
    {"num_hidden_layers": 200_000},
    {"n_layer": 10**6},
    {"num_layers": 100_000},
    {"num_hidden_layers": 2e5},
    {"num_hidden_layers": float("inf")},
    {"num_hidden_layers": float("nan")},
    {"text_config": {"num_hidden_layers": 200_000}},
    {"vision_config": {"depth": 200_000}},
    {"audio_config": {"encoder_layers": 200_000}},
    {"a": [{"b": {"num_hidden_layers": 200_000}}]},
    {"hidden_size": 10**7},
    {"n_embd": 10**7},
    {"text_config": {"d_model": 10**9}},
    {"intermediate_size": 10**10},
    {"head_dim": 10**9},
    {"num_attention_heads": 10**6},
    {"num_key_value_heads": 10**6},
    {"vocab_size": 10**9},
    {"num_local_experts": 10**6},
    {"n_routed_experts": 10**6},
    {"num_experts": 4096, "num_hidden_layers": 200},
    {"max_position_embeddings": 10**15},
    {"layer_types": ["full_attention"] * 200_000},
    {"num_hidden_layers": 200},
]


@pytest.mark.threat("T27")
@pytest.mark.parametrize("change", ABSURD, ids=lambda change: str(change)[:60])
def test_absurd_sizes_are_refused_within_a_second(with_tiny, tiny_model, change):
    folder = with_tiny.models_dir / "absurd"
    folder.mkdir()
    for file in tiny_model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(config))
    started = time.process_time()
    with pytest.raises(ModelError) as caught:
        locate(ModelSettings(id="absurd"), with_tiny)
    assert time.process_time() - started < 1 and "claims" in caught.value.message


@pytest.mark.threat("T27")
@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"a": ' + "[" * 50 + "]" * 50 + "}", "1" * 5000, "{}" + " " * 2**23]
)
def test_a_config_that_is_no_object_of_sane_depth_and_size_is_refused(with_tiny, tiny_model, text):
    folder = with_tiny.models_dir / "absurd"
    folder.mkdir()
    for file in tiny_model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelError):
        locate(ModelSettings(id="absurd"), with_tiny)


@pytest.mark.threat("T23", "T22")
@pytest.mark.parametrize(
    "change",
    [
        {"_attn_implementation": "org/kernel"},
        {"attn_implementation": "org/kernel"},
        {"_attn_implementation_internal": "org/kernel"},
        {"text_config": {"_attn_implementation": "org/kernel"}},
        {"_attn_implementation": {"text_config": "org/kernel"}},
        {"transformers_weights": "other.safetensors"},
        {"text_config": {"transformers_weights": "../x.bin"}},
    ],
)
def test_a_config_that_names_code_or_weights_is_refused(change):
    with pytest.raises(ModelError, match="loads code|file of weights"):
        require_sane({"num_hidden_layers": 2} | change, "model", tensors=10)

"""A zoo: one tiny model with random weights per causal language model that the pinned Transformers knows.

Each has the starter's tokenizer and a config with every size shrunken, so that it is written and trained in seconds.
What a family needs beside the common sizes is in ``OWN``; which of Transformers' names are left out, and why, in
``LEFT_OUT``. Models that also read pictures stand in ``tests.gallery``, which is built from this one.
"""

from functools import cache
from pathlib import Path

from finetune.models.locate import STARTER

SIZES = {
    "hidden_size": 64, "d_model": 64, "n_embd": 64, "dim": 64, "word_embed_proj_dim": 64, "embedding_size": 64,
    "embed_dim": 64, "attention_hidden_size": 64, "lru_width": 64, "intermediate_size": 96, "ffn_dim": 96,
    "n_inner": 96,
    "ffn_hidden_size": 96, "decoder_ffn_dim": 96, "dense_intermediate_size": 96, "intermediate_size_mlp": 96, "dff": 96,
    "num_hidden_layers": 2, "n_layer": 2, "n_layers": 2, "decoder_layers": 2,
    "num_attention_heads": 4, "n_head": 4, "n_heads": 4, "decoder_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "attention_head_dim": 16, "kv_channels": 16, "v_head_dim": 16,
    "num_experts": 4, "num_local_experts": 4, "n_routed_experts": 4, "moe_num_experts": 4,
    "num_experts_per_tok": 2, "num_experts_per_token": 2, "moe_topk": 2, "moe_k": 2, "n_group": 1, "topk_group": 1,
    "moe_intermediate_size": 48, "shared_expert_intermediate_size": 48, "expert_ffn_hidden_size": 48,
    "shared_intermediate_size": 48, "moe_shared_expert_intermediate_size": 48,
    "q_lora_rank": 24, "kv_lora_rank": 16, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8,
    "vocab_size_per_layer_input": 3072, "hidden_size_per_layer_input": 16, "num_layers": 2, "zero_expert_num": 2,
    "index_topk": 64, "index_head_dim": 16, "index_n_heads": 4, "shared_experts_intermediate_size": 48,
    "first_k_dense_replace": 1, "num_dense_layers": 1, "decoder_sparse_step": 1, "n_shared_experts": 1,
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 16, "linear_value_head_dim": 16,
    "max_position_embeddings": 512, "n_positions": 512, "max_seq_len": 512, "n_ctx": 512,
    "sliding_window": 128, "attention_window_size": 128,
}  # fmt: skip
"""The common sizes, by every name that families give them; each is set where the family's config has it."""

CHANCE = {"initializer_range": 0.2, "init_std": 0.2, "initializer_factor": 1.0}
"""Weights so large that the answers of two tiny models differ."""

ROTARY = {"rope_type": "default", "rope_theta": 10_000.0}

OWN: dict[str, dict] = {
    "bamba": {"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 16, "attn_layer_indices": [1]},
    "codegen": {"rotary_dim": 8},
    "cohere_compass_text": {"rope_parameters": {"full_attention": ROTARY}},
    "cwm": {"bos_token_id": 2},
    "deepseek_v2": {"num_experts_per_tok": 2},
    "deepseek_v4": {"mlp_layer_types": ["hash_moe", "moe"]},
    "dots1": {"n_shared_experts": 1, "n_routed_experts": 4, "num_experts_per_tok": 2},
    "falcon": {"head_dim": None},
    "falcon_h1": {"mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 16},
    "gemma3n_text": {
        "layer_types": ["sliding_attention", "full_attention"] * 2, "num_hidden_layers": 4, "num_kv_shared_layers": 2,
        "activation_sparsity_pattern": [0.95, 0.0, 0.0, 0.0], "hidden_size_per_layer_input": 16, "laurel_rank": 8,
        "vocab_size_per_layer_input": 3072,
    },
    "gpt_neo": {"num_layers": 2, "attention_types": [[["global", "local"], 1]], "window_size": 128},
    "gptj": {"rotary_dim": 8},
    "granitemoehybrid": {
        "mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 16, "layer_types": ["mamba", "attention"],
    },
    "hunyuan_v1_dense": {"rope_parameters": ROTARY, "head_dim": 16},
    "hunyuan_v1_moe": {"rope_parameters": ROTARY, "head_dim": 16, "moe_topk": 2},
    "jamba": {
        "num_hidden_layers": 4, "attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2,
        "use_mamba_kernels": False, "mamba_dt_rank": 4,
    },
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "mamba2": {"num_heads": 8, "head_dim": 16, "state_size": 16, "n_groups": 1},
    "ministral": {"head_dim": 16},
    "modernbert-decoder": {"bos_token_id": 2},
    "nemotron": {"num_key_value_heads": 2},
    "qwen4_exp_text": {
        "indexer_n_heads": 4, "indexer_kv_heads": 1, "indexer_head_dim": 16, "indexer_budget": 16,
        "indexer_compress_ratio": 2, "hc_lowrank": 8,
    },
    "recurrent_gemma": {"num_hidden_layers": 3},
    "xlstm": {"v_head_dim": None, "num_heads": 4},
    "zamba": {
        "num_hidden_layers": 4, "layers_block_type": ["linear_attention", "hybrid"] * 2, "attention_hidden_size": 128,
        "attention_head_dim": 32, "mamba_dt_rank": 4, "use_mamba_kernels": False,
    },
    "zamba2": {
        "num_hidden_layers": 4, "layers_block_type": ["linear_attention", "hybrid"] * 2, "attention_hidden_size": 128,
        "attention_head_dim": 32, "mamba_d_state": 16, "mamba_headdim": 16, "use_mamba_kernels": False,
        "kv_channels": 16, "num_query_groups": 4,
    },
    "zaya": {"num_experts_per_tok": 1},
}  # fmt: skip
"""What a family's config needs beside ``SIZES``; a value that is a dict goes into the part of that name."""

READS_BOTH_WAYS = "an encoder: it reads in both directions"
HALF = "the decoder half of an encoder-decoder"
NOT_TEXT = "its input is more than text, or no tokens of a tokenizer"

LEFT_OUT: dict[str, str] = {
    **dict.fromkeys(
        ("bert", "bert-generation", "big_bird", "camembert", "data2vec-text", "electra", "ernie", "megatron-bert",
         "reformer", "rembert", "roberta", "roberta-prelayernorm", "roc_bert", "roformer", "xlm", "xlm-roberta",
         "xlm-roberta-xl", "xlnet", "xmod"),
        READS_BOTH_WAYS,
    ),
    **dict.fromkeys(
        ("bart", "bigbird_pegasus", "blenderbot", "blenderbot-small", "marian", "mbart", "mvp", "pegasus", "plbart",
         "prophetnet", "trocr"),
        HALF,
    ),
    **dict.fromkeys(
        ("blt", "cpmant", "emu3", "git", "got_ocr2", "mllama", "moshi", "moss_transcribe_diarize", "musicgen",
         "musicgen_melody", "phi4_multimodal", "whisper"),
        NOT_TEXT,
    ),
    **dict.fromkeys(("gemma4_assistant", "gemma4_unified_assistant"), "it drafts for another model"),
    **dict.fromkeys(("dots3_note", "dots3_note_text"), "its config fixes layers by number, beyond a tiny model's"),
    "dbrx": "this Transformers cannot build it: its config lacks a value that the model reads",
    "qwen4_exp": "its config cannot be shrunken by parts (qwen4_exp_text is here)",
    "xlstm": "this Transformers cannot run it on a CPU at a tiny size",
    "gemma3n": "its vision tower needs timm, which is not installed (gemma3n_text is here)",
}  # fmt: skip
"""Names of Transformers' list that are no animal of this zoo -> why."""

MOST = 5_000_000
"""Parameters that a tiny model has at most."""


def architectures() -> list[str]:
    """The model types in the zoo, by the alphabet."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return sorted(set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) - set(LEFT_OUT))


def config(name: str, own: dict | None = None):
    """The tiny config of the model type ``name``; ``own`` is what it needs beside the sizes, else as in ``OWN``."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind = CONFIG_MAPPING[name]
    return kind(**_small(kind(), OWN.get(name, {}) if own is None else own))


def model(name: str, seed: int = 0):
    """A model of the type ``name`` with random weights in float32, in eval mode."""
    import torch
    from transformers import AutoModelForCausalLM

    settings = config(name)
    with torch.device("meta"):
        count = sum(weight.numel() for weight in _build(settings).parameters())
    assert count < MOST, f"{name} has {count:,} parameters"
    torch.manual_seed(seed)
    built = _build(config(name)).eval()
    _without_zeros(built)
    assert isinstance(built, AutoModelForCausalLM._model_mapping[type(settings)])
    return built


def _without_zeros(built) -> None:
    """What is zero until it is trained: Gemma 3n takes roots of it, whose gradients would be no numbers."""
    import torch

    for key, weight in built.named_parameters():
        if key.endswith("correct_output_scale"):
            torch.nn.init.ones_(weight)
    for part in built.modules():
        if isinstance(part, torch.nn.Embedding) and part.padding_idx is not None:
            torch.nn.init.normal_(part.weight.data[part.padding_idx], std=CHANCE["initializer_range"])


def write(name: str, folder: Path, seed: int = 0, dtype=None) -> Path:
    """Write the tiny model of the type ``name`` with the starter's tokenizer to ``folder``, as ``save`` does."""
    return save(model(name, seed), folder, dtype)


def save(tiny, folder: Path, dtype=None) -> Path:
    """Write the model ``tiny`` with the starter's tokenizer to ``folder``: its weights in ``dtype``, else in bf16."""
    import torch

    tokenizer = _tokenizer()
    tiny = tiny.to(dtype or torch.bfloat16)
    tiny.generation_config.eos_token_id = tokenizer.eos_token_id
    tiny.generation_config.pad_token_id = tokenizer.pad_token_id
    tiny.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@cache
def _tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(STARTER)


def _small(defaults, own: dict) -> dict:
    """The arguments that shrink a config like ``defaults``, parts of it included."""
    tokenizer = _tokenizer()
    ids = {f"{word}_token_id": getattr(tokenizer, f"{word}_token_id") for word in ("pad", "eos", "bos")}
    known = {**SIZES, **CHANCE, "vocab_size": len(tokenizer), **ids}
    names = {**vars(defaults), **{alias: vars(defaults).get(name) for alias, name in defaults.attribute_map.items()}}
    arguments = {name: value for name, value in known.items() if names.get(name) is not None}
    arguments |= {name: value for name, value in ids.items() if name in names}
    if "kv_lora_rank" in arguments:  # latent attention: its head is the rotary part, and keys are no fewer than queries
        arguments |= {"head_dim": SIZES["qk_rope_head_dim"], "num_key_value_heads": SIZES["num_attention_heads"]}
    arguments |= _layers(defaults)
    for name in type(defaults).sub_configs:
        part = getattr(defaults, name, None)
        if part is not None:
            arguments[name] = _small(part, own.get(name, {}))
    arguments |= {name: value for name, value in own.items() if name not in type(defaults).sub_configs}
    return {name: value for name, value in arguments.items() if value is not None or name in ids}


def _layers(defaults) -> dict:
    """Each kind of layer once and two layers at least, where a config lists the kind of each."""
    kinds = vars(defaults).get("layer_types")
    if not kinds:
        return {}
    kinds = list(dict.fromkeys(kinds))
    kinds = kinds * 2 if len(kinds) == 1 else kinds
    feeds = (
        {"mlp_layer_types": ["dense", *["sparse"] * (len(kinds) - 1)]} if "mlp_layer_types" in vars(defaults) else {}
    )
    return {"layer_types": kinds, "num_hidden_layers": len(kinds), **feeds}


def _build(settings):
    from transformers import AutoModelForCausalLM

    try:
        return AutoModelForCausalLM.from_config(settings, attn_implementation="sdpa")
    except ValueError:
        return AutoModelForCausalLM.from_config(settings, attn_implementation="eager")

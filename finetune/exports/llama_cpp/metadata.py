"""A model's config as the keys of GGUF that llama.cpp reads, by the names that its converter gives them."""

import math

from finetune.exports.llama_cpp.families import Family, ropes


def head_size(config) -> int:
    """Numbers per attention head."""
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def rotated(config) -> int:
    """Numbers per attention head that the rotary positions turn."""
    return int(head_size(config) * ropes(config)[0].get("partial_rotary_factor", 1.0))


def context(config, family: Family) -> int:
    """The longest text that is computed as it was trained, in tokens.

    llama.cpp has no sliding window for Mistral and Phi 3, so there it ends with the window.
    """
    window = getattr(config, "sliding_window", None)
    alike = not window or family.local_every or family.arch not in ("LLAMA", "PHI3")
    return config.max_position_embeddings if alike else min(config.max_position_embeddings, window)


def add_metadata(writer, config, family: Family, name: str) -> None:
    """Write the architecture's keys for ``config`` (a text config) and the model's ``name`` to a ``GGUFWriter``."""
    writer.add_type("model")
    writer.add_name(name)
    writer.add_context_length(context(config, family))
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head_size(config))
    writer.add_value_length(head_size(config))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    _add_positions(writer, config, family)
    if family.arch == "PHI3":
        writer.add_sliding_window(0)
    elif family.local_every:
        writer.add_sliding_window(config.sliding_window)
    if cap := getattr(config, "attn_logit_softcapping", None):
        writer.add_attn_logit_softcapping(cap)
    if cap := getattr(config, "final_logit_softcapping", None):
        writer.add_final_logit_softcapping(cap)


def _add_positions(writer, config, family: Family) -> None:
    import gguf

    whole, local = ropes(config)
    writer.add_rope_dimension_count(rotated(config))
    writer.add_rope_freq_base(whole.get("rope_theta", 10_000.0))
    if local.get("rope_theta"):
        writer.add_rope_freq_base_swa(local["rope_theta"])
    kind = whole.get("rope_type", "default")
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        writer.add_rope_scaling_factor(whole["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(_trained_length(config, whole))
        for key, add in (
            ("beta_fast", writer.add_rope_scaling_yarn_beta_fast),
            ("beta_slow", writer.add_rope_scaling_yarn_beta_slow),
        ):
            if whole.get(key) is not None:
                add(whole[key])
    if kind == "longrope":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LONGROPE)
        writer.add_rope_scaling_attn_factors(_longrope_attention(config, whole))
    if family.arch == "PHI3":
        writer.add_rope_scaling_orig_ctx_len(_trained_length(config, whole))


def _trained_length(config, rope: dict) -> int:
    given = rope.get("original_max_position_embeddings")
    return given or getattr(config, "original_max_position_embeddings", None) or config.max_position_embeddings


def _longrope_attention(config, rope: dict) -> float:
    """What LongRoPE multiplies attention with (arXiv:2402.13753): sqrt(1 + ln(scale) / ln(trained length))."""
    if rope.get("attention_factor") is not None:
        return rope["attention_factor"]
    trained = _trained_length(config, rope)
    scale = rope.get("factor") or config.max_position_embeddings / trained
    return math.sqrt(1 + math.log(scale) / math.log(trained)) if scale > 1 else 1.0

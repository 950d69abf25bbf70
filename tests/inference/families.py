"""Tiny models of many families, random and in float32: what flattens, routes, or keeps state of its own."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

COMMON = {
    "vocab_size": 259, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "initializer_range": 0.3,
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
}  # fmt: skip
DENSE = {"intermediate_size": 96, "max_position_embeddings": 128}
EXPERTS = {"num_key_value_heads": 2, "moe_intermediate_size": 48, "num_experts_per_tok": 2}
FAMILIES = {
    "llama": DENSE | {"num_key_value_heads": 2},
    "opt": {"ffn_dim": 96, "word_embed_proj_dim": 64, "init_std": 0.3, "max_position_embeddings": 128},
    "qwen2_moe": DENSE | EXPERTS | {"num_experts": 4, "shared_expert_intermediate_size": 48},
    "recurrent_gemma": {
        "num_hidden_layers": 3, "intermediate_size": 96, "num_key_value_heads": 1, "lru_width": 64,
        "attention_window_size": 32, "w_init_variance_scale": 0.3,
    },
    "gpt_neox": DENSE,
    "gpt2": {"n_positions": 128},
    "falcon": {"multi_query": True},
    "bloom": {},
    "phi": DENSE,
    "gemma": DENSE | {"num_key_value_heads": 2, "head_dim": 16},
    "mixtral": DENSE | EXPERTS | {"num_local_experts": 4},
    "olmoe": DENSE | EXPERTS | {"num_experts": 4},
    "granitemoe": DENSE | EXPERTS | {"num_local_experts": 4},
    "deepseek_v3": DENSE | EXPERTS | {
        "n_routed_experts": 4, "n_shared_experts": 1, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1,
        "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
        "v_head_dim": 16,
    },
    "mamba": {"state_size": 8},
    "bamba": DENSE | {
        "num_key_value_heads": 2, "mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 16,
        "attn_layer_indices": [1],
    },
    "minimax": DENSE | EXPERTS | {
        "num_local_experts": 4, "head_dim": 16, "layer_types": ["linear_attention", "full_attention"], "block_size": 16,
    },
    "xlstm": {"num_heads": 4, "num_blocks": 2, "qk_dim_factor": 1.0, "v_dim_factor": 1.0},
    "rwkv": {"attention_hidden_size": 64, "rescale_every": 0},
    "lfm2": DENSE | {"num_key_value_heads": 2, "layer_types": ["conv", "full_attention"]},
}  # fmt: skip
"""What the configuration of each family is given beside ``COMMON``."""
EAGER = {"bloom", "mamba", "xlstm", "rwkv"}
"""The families without ``sdpa``."""
TARGETS = {"mamba": ["in_proj", "x_proj"], "bamba": ["q_proj", "v_proj", "in_proj", "up_proj"]}
"""The layers with an adapter, where "all linear layers" is not what PEFT can wrap."""


def build(family: str):
    """The model of ``family``; each call gives the same weights."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **COMMON | FAMILIES[family])
    attention = "eager" if family in EAGER else "sdpa"
    return AutoModelForCausalLM.from_config(config, attn_implementation=attention).float().eval()


def tune(model, **settings):
    """``model`` with a LoRA that changes its answers; each call gives the same adapter."""
    targets = TARGETS.get(model.config.model_type, "all-linear")
    config = LoraConfig(r=4, lora_alpha=8, target_modules=targets, task_type="CAUSAL_LM", **settings)
    torch.manual_seed(1)
    tuned = get_peft_model(model, config, adapter_name="tuned").eval()
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    return tuned


def greedy(model, ids: list[int], count: int) -> list[int]:
    """The next ``count`` tokens of ``model.generate``, the reference."""
    batch = torch.tensor([ids])
    output = model.generate(
        batch,
        attention_mask=torch.ones_like(batch),
        max_new_tokens=count,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    return output[0, len(ids) :].tolist()


def walk(decoding, prompts, count: int) -> list[list[int]]:
    """The greedy tokens of base and tuned."""
    logits, position = decoding.prefill(prompts)
    steps = []
    for _ in range(count):
        steps.append([int(row.argmax()) for row in logits])
        logits = decoding.step(steps[-1], position)
    return [list(answer) for answer in zip(*steps)]

"""A gallery: tiny models that read pictures with text, whole, as Transformers loads them for both.

They are what ``tests.zoo`` is for causal language models: one family each, random weights, the starter's tokenizer. Of
a family in both, such as Qwen 3.5, the whole model stands here and its text part in the zoo.
"""

from pathlib import Path

from tests import zoo

AXIAL = {"rope_type": "axial", "rope_theta": 10_000.0}
MROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]}}
"""A head of 16 numbers: 8 pairs for time, height and width."""
TEXT = {"vocab_size": 3072, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
TOWER = {"depth": 2, "num_heads": 4, "hidden_size": 64, "intermediate_size": 96, "out_hidden_size": 64}
PIECES = {"patch_size": 14, "image_size": 56}

OWN: dict[str, dict] = {
    "glm4v": {"text_config": MROPE | HEADS, "vision_config": TOWER | PIECES},
    "llama4": {
        "vision_config": {
            "image_size": 56, "vision_output_dim": 64, "projector_input_dim": 64, "projector_output_dim": 64,
            "intermediate_size": 256,
        },
    },
    "qwen2_vl": {"text_config": MROPE | HEADS, "vision_config": {"depth": 2, "num_heads": 4, "embed_dim": 64}},
    "qwen2_5_vl": {"text_config": MROPE | HEADS, "vision_config": TOWER | {"fullatt_block_indexes": (1,)}},
    "qwen3_vl": {
        "text_config": MROPE | HEADS,
        "vision_config": TOWER | {"num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]},
    },
    "qwen3_vl_moe": {
        "text_config": MROPE | HEADS,
        "vision_config": TOWER | {"num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]},
    },
}  # fmt: skip
"""What a family's config needs beside ``zoo.SIZES``, by part."""

FAMILIES = (
    "aya_vision", "glm4v", "idefics3", "internvl", "kimi_k25", "lfm2_vl", "llama4", "llava", "llava_next",
    "llava_onevision", "mistral3", "ovis2", "paligemma", "qwen2_5_vl", "qwen2_vl", "qwen3_5", "qwen3_5_moe", "qwen3_vl",
    "qwen3_vl_moe", "smolvlm",
)  # fmt: skip
"""The families that are tried."""


def model(name: str, seed: int = 0):
    """The whole model of the type ``name`` with random weights in float32, in eval mode."""
    import torch
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(seed)
    return AutoModelForImageTextToText.from_config(zoo.config(name, OWN.get(name, {}))).eval()


def write(name: str, folder: Path, seed: int = 0) -> Path:
    """Write the tiny model of the type ``name`` to ``folder``, as ``zoo.write`` does, with a processor's settings."""
    zoo.save(model(name, seed), folder)
    (folder / "preprocessor_config.json").write_text('{"image_processor_type": "SiglipImageProcessor"}')
    return folder

"""The weights of a model folder under llama.cpp's names and in its order, each read when it is written."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from finetune.errors import RunError
from finetune.exports.llama_cpp.families import Family, ropes
from finetune.exports.llama_cpp.metadata import head_size

TOWERS = ("vision_tower", "multi_modal_projector", "vision_model", "audio_tower")
"""Parts of a larger model that GGUF has no place for."""


class Named(NamedTuple):
    """A tensor of the GGUF file, not read yet."""

    name: str
    shape: tuple[int, ...]
    source: str
    """Its name in the model folder; empty for one that follows from the config."""


def factors(config) -> dict[str, list[float]]:
    """The tensors that follow from a config: what divides the rotary frequencies, one number for each."""
    whole, _ = ropes(config)
    kind = whole.get("rope_type", "default")
    if kind == "longrope":
        return {f"rope_factors_{name}.weight": whole[f"{name}_factor"] for name in ("long", "short")}
    return {"rope_freqs.weight": _of_llama3(whole, head_size(config))} if kind == "llama3" else {}


class Weights:
    """The tensors of a model ``folder`` for llama.cpp."""

    def __init__(self, folder: Path, config, family: Family):
        self.config, self.family = config, family
        self.computed = factors(config)
        self.files = _files(folder)

    def __iter__(self) -> Iterator[Named]:
        """Every tensor, without its values; ``RunError`` for one that llama.cpp has no name for."""
        import gguf

        names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[self.family.arch], self.config.num_hidden_layers)
        for name, values in self.computed.items():
            yield Named(name, (len(values),), "")
        for source, (file, shape) in self.files.items():
            if any(tower in source for tower in TOWERS):
                continue
            plain = source.replace("language_model.model.", "model.").replace("model.language_model.", "model.")
            plain = plain.replace("language_model.lm_head", "lm_head")
            if plain == "lm_head.weight" and self.config.tie_word_embeddings:
                continue
            found = names.get_name(plain, try_suffixes=(".weight", ".bias"))
            if found is None:
                raise RunError(
                    f"llama.cpp has no place for the weight {source}.", "Export the merged model, which keeps all."
                )
            yield Named(found, shape, source)

    def read(self, named: Named):
        """The values of ``named`` in fp32, as a numpy array of its shape."""
        import numpy as np
        import torch
        from safetensors import safe_open

        if not named.source:
            return np.array(self.computed[named.name], dtype=np.float32)
        with safe_open(self.files[named.source][0], "pt") as file:
            values = file.get_tensor(named.source).to(torch.float32).numpy()
        heads = {"q_proj": self.config.num_attention_heads, "k_proj": self.config.num_key_value_heads}
        layer = named.source.split(".")[-2]
        if self.family.permutes and layer in heads:
            values = in_pairs(values, heads[layer])
        if self.family.shifts_norms and named.source.endswith("norm.weight"):
            values = values + 1
        return values


def in_pairs(values, heads: int):
    """Rows of a query or key projection for rotary positions that turn neighbors, instead of halves of each head."""
    rows, *rest = values.shape
    return values.reshape(heads, 2, rows // heads // 2, *rest).swapaxes(1, 2).reshape(values.shape)


def _files(folder: Path) -> dict[str, tuple[Path, tuple[int, ...]]]:
    """Each weight in ``folder``: its file and its shape, in the order of the model."""
    from safetensors import safe_open

    index = folder / "model.safetensors.index.json"
    listed = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values() if index.is_file() else ()
    found = {}
    for name in sorted(set(listed)) or ["model.safetensors"]:
        with safe_open(folder / name, "pt") as file:
            for key in file.keys():  # noqa: SIM118 - it is no dict
                found[key] = (folder / name, tuple(file.get_slice(key).get_shape()))
    return found


def _of_llama3(rope: dict, size: int) -> list[float]:
    """What Llama 3.1 divides each of its rotary frequencies by: nothing at short waves, ``factor`` at long ones.

    As in ``transformers.modeling_rope_utils``, where the frequencies themselves are computed.
    """
    trained = rope["original_max_position_embeddings"]
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    found = []
    for place in range(0, size, 2):
        wave = 2 * math.pi * rope["rope_theta"] ** (place / size)
        if wave < trained / high:
            found.append(1.0)
        elif wave > trained / low:
            found.append(factor)
        else:
            smooth = (trained / wave - low) / (high - low)
            found.append(1 / ((1 - smooth) / factor + smooth))
    return found

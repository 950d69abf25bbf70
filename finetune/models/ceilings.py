"""Ceilings of a config: the largest sizes that a model may claim, far above any published one.

A config of a few bytes can ask for 200,000 layers, and the loader would build them for minutes before it found that the
files have none. So the sizes are compared before anything is built: with the ceilings, and with the files.
"""

import re
from collections.abc import Iterator

from finetune.errors import ModelError

LARGEST_CONFIG = 8 * 2**20
"""Bytes of a config.json; the largest published ones list some thousand labels."""
DEEPEST = 12
"""Levels of a config; published ones have four."""
CEILINGS = (
    (re.compile(r"^((n|num)_)?(hidden_|encoder_|decoder_|transformer_)?layers?$|^depth$|^num_blocks$"), 256),
    (re.compile(r"^(hidden_size|d_model|n_embd|embed_dim|embedding_size|word_embed_proj_dim)$"), 65_536),
    (re.compile(r"vocab_size$"), 1_048_576),
    (re.compile(r"(^|_)heads?$|^n_head(_kv)?$"), 4096),
    (re.compile(r"(^|_)experts?(_per_tok(en)?)?$"), 4096),
    (re.compile(r"(_size|_dim|_width|_rank|^d_\w+|^n_inner|_channels|_layers|_groups)$"), 2**22),
    (re.compile(r"position|seq_len|n_ctx|context|window|_length$"), 2**40),
)
"""How a setting is called -> the largest value of it."""
MOST_MODULES = 50_000
"""Layers times experts: the largest published models have 23,000."""
LONGEST_LIST = 100_000


def require_sane(config: dict, name: str, tensors: int) -> None:
    """``ModelError`` if the ``config`` of the model ``name`` asks for absurd sizes, or for more than its ``tensors``.

    ``tensors`` is how many there are in its files.
    """
    layers = experts = 0
    for key, value in _entries(config, name):
        if "attn_implementation" in key and "/" in str(value):
            raise ModelError(f"The model {name} loads code from another repository.", "Choose another model.")
        if key == "transformers_weights":
            raise ModelError(f"The model {name} names a file of weights of its own.", "Choose another model.")
        if isinstance(value, list) and len(value) > LONGEST_LIST:
            raise _absurd(name, key, f"a list of {len(value):,} values")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        ceiling = next((most for pattern, most in CEILINGS if pattern.search(key)), None)
        if ceiling is not None and not value <= ceiling:
            raise _absurd(name, key, f"{value:,}")
        if ceiling == CEILINGS[0][1]:
            layers = max(layers, value)
        if CEILINGS[4][0].search(key):
            experts = max(experts, value)
    if layers > max(tensors, 1):
        raise ModelError(
            f"The model {name} claims {layers:,} layers, and its files have {tensors:,} tensors.",
            "Download the model again.",
        )
    if layers * experts > MOST_MODULES:
        raise _absurd(name, "layers times experts", f"{layers * experts:,}")


def _absurd(name: str, key: str, value: str) -> ModelError:
    return ModelError(f"The model {name} claims {key[:60]} = {value[:40]}.", "Its config.json is damaged or malicious.")


def _entries(config: dict, name: str) -> Iterator[tuple[str, object]]:
    """Each setting of ``config`` at any depth."""
    waiting: list[tuple[object, int]] = [(config, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > DEEPEST:
            raise _absurd(name, "levels", f"{depth}")
        inner = part.values() if isinstance(part, dict) else part
        if isinstance(part, dict):
            yield from ((str(key), value) for key, value in part.items())
        waiting += ((each, depth + 1) for each in inner if isinstance(each, (dict, list)))

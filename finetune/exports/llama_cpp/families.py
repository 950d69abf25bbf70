"""The architectures that are written as GGUF here, and what of a config llama.cpp would compute otherwise.

A family is a line of ``FAMILIES``. Sources: the classes of llama.cpp's converter (``conversion/``) for names and
permutations, ``src/models/*.cpp`` for what is fixed in its code.
"""

import math
from dataclasses import dataclass

PLAIN = frozenset({"default", "linear", "yarn"})
"""Kinds of rotary positions that are metadata alone."""
YARN_KEYS = frozenset(
    {"rope_type", "type", "rope_theta", "factor", "original_max_position_embeddings", "beta_fast", "beta_slow"}
)
"""Of YaRN, what llama.cpp computes as Transformers does."""


@dataclass(frozen=True)
class Family:
    """An architecture in the words of llama.cpp."""

    arch: str
    """The name of its ``gguf.MODEL_ARCH``."""
    title: str
    permutes: bool = False
    """True if queries and keys are stored in llama.cpp's order of rotary positions: in pairs, not in halves."""
    shifts_norms: bool = False
    """True if the model multiplies by 1 + weight where llama.cpp multiplies by the weight."""
    ropes: frozenset[str] = PLAIN
    """The kinds of rotary positions that it can have."""
    activation: str = "silu"
    local_every: int = 0
    """Of so many layers the last has full attention and the others a sliding window; 0 if none has a window."""
    ties: bool = False
    """True if llama.cpp takes the embedding as the head, whatever is stored."""


FAMILIES = {
    "llama": Family("LLAMA", "Llama", permutes=True, ropes=PLAIN | {"llama3"}),
    "mistral": Family("LLAMA", "Mistral", permutes=True),
    "smollm3": Family("SMOLLM3", "SmolLM3", permutes=True),
    "qwen2": Family("QWEN2", "Qwen 2"),
    "qwen3": Family("QWEN3", "Qwen 3"),
    "gemma": Family("GEMMA", "Gemma", shifts_norms=True, activation="gelu_pytorch_tanh", ties=True),
    "gemma2": Family("GEMMA2", "Gemma 2", shifts_norms=True, activation="gelu_pytorch_tanh", local_every=2, ties=True),
    "gemma3": Family("GEMMA3", "Gemma 3", shifts_norms=True, activation="gelu_pytorch_tanh", local_every=6, ties=True),
    "phi3": Family("PHI3", "Phi 3", ropes=frozenset({"default", "longrope"})),
}
"""By ``model_type``; that of a text model inside a larger one is without ``_text``."""


def text_type(config: dict) -> str:
    """The ``model_type`` of the text model that a ``config.json`` describes, without ``_text``."""
    inner = config.get("text_config") or config
    return str(inner.get("model_type", config.get("model_type", ""))).removesuffix("_text")


def problem(config) -> str:
    """What of a model llama.cpp would compute otherwise, as a noun phrase; empty if nothing.

    ``config`` is its text config as Transformers has read it, of a family of ``FAMILIES``.
    """
    family = FAMILIES[config.model_type.removesuffix("_text")]
    activation = getattr(config, "hidden_activation", None) or getattr(config, "hidden_act", family.activation)
    if activation != family.activation:
        return f"the activation function {activation}"
    if family.ties and not config.tie_word_embeddings:
        return "a head of its own beside the embedding"
    return _of_positions(config, family) or _of_attention(config, family)


def ropes(config) -> tuple[dict, dict]:
    """The rotary positions of layers with full attention, and of those with a window if they have their own."""
    found = config.rope_parameters or {}
    if "full_attention" in found or "sliding_attention" in found:
        return found.get("full_attention") or {}, found.get("sliding_attention") or {}
    return found, {}


def _of_positions(config, family: Family) -> str:
    whole, local = ropes(config)
    for rope in filter(None, (whole, local)):
        kind = rope.get("rope_type", "default")
        if kind not in (family.ropes if rope is whole else {"default"}):
            return f"rotary positions of the kind {kind}"
        if kind == "yarn" and (others := {key for key, value in rope.items() if value is not None} - YARN_KEYS):
            return f"YaRN with {', '.join(sorted(others))}"
        if rope.get("partial_rotary_factor", 1.0) != 1.0 and family.arch != "PHI3":
            return "rotary positions on a part of each head"
    if family.arch == "SMOLLM3" and list(config.no_rope_layers) != [
        int((layer + 1) % 4 != 0) for layer in range(config.num_hidden_layers)
    ]:
        return "layers without positions that are not every fourth"
    return ""


def _of_attention(config, family: Family) -> str:
    if family.local_every:
        kinds = ["full" if (n + 1) % family.local_every == 0 else "sliding" for n in range(config.num_hidden_layers)]
        if [kind.removesuffix("_attention") for kind in config.layer_types] != kinds:
            return f"a sliding window in other layers than all but each {family.local_every}th"
        # The largest of each has a scale of its own, which llama.cpp knows by the number of its layers.
        largest = config.num_hidden_layers == {2: 46, 6: 62}[family.local_every]
        size = config.hidden_size // config.num_attention_heads if largest else config.head_dim
        if not math.isclose(config.query_pre_attn_scalar, size):
            return f"attention that is scaled by {config.query_pre_attn_scalar}"
    elif family.arch in ("QWEN2", "QWEN3", "SMOLLM3") and "sliding_attention" in (config.layer_types or ()):
        return "a sliding window"
    return ""

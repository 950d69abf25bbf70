"""What an adapter on "all linear layers" leaves out of a model, and how much of the model it covers."""

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from finetune.adapters.experts import fused, suffixes
from finetune.errors import ModelError

NEARLY_ALL = 0.95
"""From this share of the weights on, nothing is said of the rest (norms, routers, biases)."""
NAMED = 4
"""Groups of weights that are named, largest first."""
CHOOSER = re.compile(r"Router|Gating|TopK|MoE\w*Gate$|Indexer")
"""How the classes of Transformers are called that choose the experts of a token, or the tokens that it attends to."""

ATTENTION = re.compile(r"Attention|Attn")
"""How the classes of Transformers are called that compute attention."""


def left_out(model) -> list[str]:
    """The linear layers of ``model`` that get no adapter, by their full names.

    - All outside the decoder: pictures and sound have towers of their own, which text never reaches.
    - ``out_proj`` and ``dt_proj`` of Mamba's mixers: their kernels read the weight and pass the adapter by.
    - Routers, which choose the experts of a token: they return more than one tensor, or read their layers' weights. The
      indexers of sparse attention, which choose tokens: no gradient comes back from a choice.
    - Layers that are linear by name alone, such as block-diagonal projections (DeepSeek V4).
    - Layers that are never called, for the model computes with their weight itself (LongCat's router).
    """
    decoder = {id(part) for part in decoder_of(model).modules()}
    choosers = [part for part in model.modules() if CHOOSER.search(type(part).__name__)]
    choosing = {id(layer) for part in choosers for layer in part.modules()}
    return [
        name
        for name, layer, parent in _linear_layers(model)
        if id(layer) not in decoder
        or id(layer) in choosing
        or not is_linear(layer)
        or _is_of_a_mixer(parent, name)
        or _is_read_only(parent, name)
    ]


def attention(model) -> list[str]:
    """The linear layers of the attention of ``model``, by the fewest last parts of their names."""
    left, head = set(left_out(model)), model.get_output_embeddings()
    modules = dict(model.named_modules())
    found = [
        name
        for name, layer, parent in _linear_layers(model)
        if name not in left and layer is not head and ATTENTION.search(type(parent).__name__)
    ]
    if not found:
        raise ModelError(
            f"The attention of this model ({model.config.model_type}) has no linear layers by its classes' names.",
            "Choose all-linear, or name the layers.",
        )
    return suffixes(list(modules), found, 1)


def freeze_towers(model) -> None:
    """Freeze what text alone never reaches in a ``model`` that also reads pictures: all around its decoder."""
    if model.config.get_text_config() is model.config:
        return
    trained = (model.get_decoder(), model.get_input_embeddings(), model.get_output_embeddings())
    reached = {id(weight) for part in trained if part is not None for weight in part.parameters()}
    for weight in model.parameters():
        weight.requires_grad_(id(weight) in reached)


def kept_whole(model) -> list[str]:
    """The linear layers of ``model`` that no quantized layer can replace, by their full names.

    Those that are linear by name alone, and those whose weight a model's own code reads past the layer: a packed one
    has neither its shape nor its numbers.
    """
    return [
        name
        for name, layer, parent in _linear_layers(model)
        if not is_linear(layer) or name.rpartition(".")[2] in _weights_read(type(parent))
    ]


def decoder_of(model):
    """The part of ``model`` that reads text: all of its base where ``decoder`` names the head (ModernBERT)."""
    import torch

    found = model.get_decoder()
    return model.base_model if isinstance(found, torch.nn.Linear) else found


def _linear_layers(model) -> Iterator[tuple[str, Any, Any]]:
    """The full name of each linear layer but the head, the layer, and the part that it belongs to."""
    import torch

    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.Linear) and layer is not model.get_output_embeddings():
            yield name, layer, model.get_submodule(name.rpartition(".")[0])


def is_linear(layer) -> bool:
    """True unless ``layer`` is a class of a model that computes something else than a product with its weight."""
    import torch

    if type(layer).forward is torch.nn.Linear.forward or not type(layer).__module__.startswith("transformers.models"):
        return True
    rows = torch.zeros(1, layer.in_features, dtype=layer.weight.dtype, device=layer.weight.device)
    try:
        with torch.no_grad():
            return layer(rows).shape == (1, layer.out_features)
    except (AttributeError, RuntimeError):  # several tensors, or more rows than one at once
        return False


def _is_of_a_mixer(parent, name: str) -> bool:
    """True if ``parent`` is a mixer of Mamba (state-space matrix A, skip D) and ``name`` a weight that it reads."""
    return hasattr(parent, "A_log") and hasattr(parent, "D") and name.endswith(("out_proj", "dt_proj"))


def _is_read_only(parent, name: str) -> bool:
    """True if the code of ``parent`` computes with the weight of its part ``name`` and never calls the part itself."""
    part = name.rpartition(".")[2]
    return part in _weights_read(type(parent)) and f"self.{part}(" not in _source(type(parent))


@cache
def _source(cls: type) -> str:
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):  # built in, or made at run time
        return ""


@cache
def _weights_read(cls: type) -> set[str]:
    """The names of parts whose ``weight`` the source of ``cls`` computes with, or to whose dtype it casts their input.

    Slices are not counted: Bloom computes with some where it repeats the order of a tensor-parallel pretraining alone.
    """
    computed = r"\bself\.(\w+)\.weight\b(?!\.(?:dtype|device|shape|size|ndim)\b|\[)"
    cast = r"\.to\((?:dtype=)?self\.(\w+)\.weight\.dtype\)"
    return {*re.findall(computed, _source(cls)), *re.findall(cast, _source(cls))}


def coverage(tuned) -> tuple[float, list[str]]:
    """The share of the decoder's weights that have an adapter beside them, and the names of the largest that have not.

    ``tuned`` is a ``PeftModel``. Embeddings and the head are no part of it: they are tables of tokens.
    """
    import torch

    decoder = decoder_of(tuned.get_base_model())
    embeddings = [part for part in decoder.modules() if isinstance(part, torch.nn.Embedding)]
    head = tuned.get_base_model().get_output_embeddings()
    tables = {id(weight) for part in (*embeddings, *([head] if head else [])) for weight in part.parameters()}
    covered, others = 0, Counter()
    for name, weight in decoder.named_parameters():
        size = weight.numel() * (2 if type(weight).__name__ == "Params4bit" else 1)
        if weight.requires_grad or id(weight) in tables or "lora_" in name:  # the last: a frozen copy, the reference
            continue
        if "base_layer" in name:
            covered += size
        else:
            others[".".join([part for part in name.split(".") if part not in ("weight", "bias")][-2:])] += size
    total = covered + others.total()
    return (covered / total if total else 1.0), [name for name, _ in others.most_common(NAMED)]


def coverage_note(tuned, title: str) -> str:
    """What the adapter called ``title`` does not cover, and what 4 bits do not; empty where they do nearly all."""
    share, others = coverage(tuned)
    said = []
    if share < NEARLY_ALL:
        said.append(f"{title} covers {share:.0%} of the weights, embeddings aside: none is beside {', '.join(others)}.")
    quantized = quantized_share(tuned)
    if quantized and fused(tuned.get_base_model()):
        said.append(f"Only {quantized:.0%} of the weights are in 4 bits: experts stored as one tensor stay in 16.")
    return " ".join(said)


def quantized_share(model) -> float:
    """The share of the weights of ``model`` that are in 4 bits; two of them are stored in a byte."""
    sizes = Counter()
    for weight in model.parameters():
        in_4_bits = type(weight).__name__ == "Params4bit"
        sizes[in_4_bits] += weight.numel() * (2 if in_4_bits else 1)
    return sizes[True] / sizes.total() if sizes else 0.0

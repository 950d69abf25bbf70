"""Experts that a model keeps as one tensor for all of them (E, in, out), and how LoRA reaches them.

They are no linear layers, so PEFT takes them by the names of their parameters (``target_parameters``) and adds B A of
each expert to its weights. For some families it does so by itself, with the router and at twice the rank, and then no
longer knows their dense layers and shared experts: PEFT takes ``gate_proj`` for a part of an expert wherever it stands.
Here all are named, and the router has no adapter.
"""

from collections.abc import Collection

from finetune.compat import linear_names

ACTIVE = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k", "top_k_experts")
"""By which names configs say how many experts a token is given."""


def arguments(model, rank: int, alpha: int, experts: bool, left_out: list[str], quantized: bool) -> dict:
    """Arguments of a ``LoraConfig`` for the linear layers of ``model`` and its ``experts``; empty for a dense one.

    The rank of an expert is ``rank`` divided by the experts that are active for a token, so that as many trained
    weights take part in a token as in a dense layer (Schulman et al. 2025, "LoRA Without Regret"); its scale α / r is
    that of the others. ``quantized``: the linear layers will be in 4 bits, where only PEFT's own layers reach them.
    """
    found, known = fused(model) if experts else {}, linear_names(model)
    if not found and known is None:
        return {}
    parameters, modules = [name for name, _ in model.named_parameters()], [name for name, _ in model.named_modules()]
    names, given = suffixes(parameters, found, 2), {}
    unreached: list[str] = []
    if known is not None:
        linear = _linear(model, left_out)
        reached = [name for name in linear if name.rpartition(".")[2] in known]
        given["target_modules"] = suffixes(modules, reached, 1)
        if not quantized:
            rest = [f"{name}.weight" for name in linear.keys() - set(reached) if linear[name].is_floating_point()]
            unreached = suffixes(parameters, rest, 2)
    given["target_parameters"] = sorted([*names, *unreached])
    share = max(1, rank // active(model))
    if names and share != rank:
        given["rank_pattern"] = dict.fromkeys(names, share)
        given["alpha_pattern"] = dict.fromkeys(names, alpha * share / rank)
    return given


def fused(model) -> dict:
    """The tensors of all experts in the decoder of ``model``, by their full names: (E, in, out) or (E, out, in)."""
    decoder = {id(weight) for weight in model.get_decoder().parameters()}
    return {
        name: weight
        for name, weight in model.named_parameters()
        if id(weight) in decoder
        and weight.ndim == 3
        and len(weight) > 1
        and weight.is_floating_point()
        and "Experts" in type(model.get_submodule(name.rpartition(".")[0])).__name__
    }


def active(model) -> int:
    """How many experts a token is given; 1 if the config does not say."""
    config = model.config.get_text_config()
    found = (getattr(config, name, None) for name in ACTIVE)
    return next((count for count in found if isinstance(count, int) and count > 0), 1)


def _linear(model, left_out: list[str]) -> dict:
    """The weights of the linear layers of ``model`` but its head and those ``left_out``, by the layers' full names."""
    import torch

    head, others = model.get_output_embeddings(), set(left_out)
    return {
        name: layer.weight
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear) and layer is not head and name not in others
    }


def suffixes(every: list[str], found: Collection[str], shortest: int) -> list[str]:
    """The fewest last parts, at least ``shortest``, of the names in ``found`` that name these and no others."""
    for parts in range(shortest, 4):
        short = {".".join(name.split(".")[-parts:]) for name in found}
        if {name for name in every if name.endswith(tuple(f".{each}" for each in short))} == set(found):
            return sorted(short)
    return sorted(found)

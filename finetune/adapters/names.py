"""Names of layers: those that a person lists, and those of a model that fit a role."""

from collections.abc import Callable, Iterable
from typing import Any

from finetune.adapters.experts import suffixes
from finetune.errors import ModelError


def listed(text: str) -> list[str]:
    """The names in ``text``, which commas separate."""
    return [name.strip() for name in text.split(",") if name.strip()]


def named(model, fits: Callable[[str, Any, Any], bool]) -> list[str]:
    """The fewest last parts of names that name the modules of ``model`` for which ``fits(name, module, parent)``."""
    modules = dict(model.named_modules())
    found = [name for name, part in modules.items() if name and fits(name, part, modules[name.rpartition(".")[0]])]
    return suffixes(list(modules), found, 1) if found else []


def require(model, names: list[str], where: str) -> None:
    """``ModelError`` unless each of ``names``, from the setting ``where``, is the end of the name of a module."""
    modules = dict(model.named_modules())
    for name in names:
        if not _ending(modules, name):
            raise ModelError(
                f"This model has no layer called {name} ({where}).", f"It has: {', '.join(_last_parts(modules))}."
            )


def require_layers(model, names: list[str], where: str, left: list[str]) -> None:
    """``ModelError`` unless an adapter can be beside all layers that ``names``, from the setting ``where``, name.

    ``left`` are the full names of layers without one: where a name names others too, those get it.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    require(model, names, where)
    kinds, head = (torch.nn.Linear, torch.nn.Embedding, Conv1D), model.get_output_embeddings()
    modules = dict(model.named_modules())
    suited = {name for name, part in modules.items() if isinstance(part, kinds) and part is not head} - {*left}
    for name in names:
        found = _ending(modules, name) - {*left}
        if any(modules[each] is head for each in found):
            raise ModelError(
                f"No adapter can be beside {name}, the output embeddings ({where}): the loss reads their weights.",
                f"Train them whole: adapter.modules_to_save: {name}.",
            )
        if not found or found - suited:
            inside = {each for each in suited if any(each.startswith(f"{outer}.") for outer in found)}
            raise ModelError(
                f"{name} is no layer that an adapter can be beside ({where}).",
                f"Name such layers: {', '.join(_last_parts(inside or suited))}.",
            )


def require_unquantized(model, names: list[str], where: str) -> None:
    """``ModelError`` if ``names``, from the setting ``where``, name a linear layer: in ``model`` they are quantized."""
    import torch

    modules, head = dict(model.named_modules()), model.get_output_embeddings()
    linear = {name for name, part in modules.items() if isinstance(part, torch.nn.Linear) and part is not head}
    for name in names:
        for outer in _ending(modules, name):
            if any(each == outer or each.startswith(f"{outer}.") for each in linear):
                raise ModelError(
                    f"{name} is quantized, and quantized weights cannot be trained whole ({where}).",
                    "Choose LoRA, or name layers that are not: embeddings, norms or the head.",
                )


def _ending(modules: Iterable[str], name: str) -> set[str]:
    """Those of the full names that are ``name`` or end with it."""
    return {each for each in modules if f".{each}".endswith(f".{name}")}


def _last_parts(modules: Iterable[str]) -> list[str]:
    ends = {name.rpartition(".")[2] for name in modules}
    return sorted(name for name in ends if name and not name.isdigit())

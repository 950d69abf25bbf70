"""Names of layers: those that a person lists, and those of a model that fit a role."""

from collections.abc import Callable
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
    ends = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    known = sorted(name for name in ends if name and not name.isdigit())
    whole = [f".{name}" for name, _ in model.named_modules()]
    for name in names:
        if not any(each.endswith(f".{name}") for each in whole):
            raise ModelError(f"This model has no layer called {name} ({where}).", f"It has: {', '.join(known)}.")

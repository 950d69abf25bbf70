"""The classes of a package, found by import: a new method, adapter or format is one new file and no other edit."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

Base = TypeVar("Base")


def discover(package: ModuleType, base: type[Base]) -> list[type[Base]]:
    """The subclasses of ``base`` that the modules of ``package`` define, sorted by ``order``, then by name.

    Every module of the package is imported, so it must be light: heavy libraries are imported inside its functions.
    """
    found = set()
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, base)
                and value is not base
                and value.__module__ == module.__name__
            ):
                found.add(value)
    return sorted(found, key=lambda cls: (getattr(cls, "order", 100), cls.__name__))

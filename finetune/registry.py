"""Finding the classes of a package, so that a new method, adapter or format is one new file and no other edit."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

Base = TypeVar("Base")


def discover(package: ModuleType, base: type[Base]) -> list[type[Base]]:
    """The subclasses of ``base`` that the modules of ``package`` define, by their ``order`` and then their name.

    A module is imported once and must be light to import: what is heavy loads inside its functions.
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

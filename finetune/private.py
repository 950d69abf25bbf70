"""What is declared of a private name: a name that its library does not promise to keep."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class PrivateName:
    """A name that its library does not promise to keep."""

    path: str
    """Where it is defined, e.g. ``transformers.Trainer._save_checkpoint``."""
    used_in: str
    """The function or class of this program that uses it, by its dotted path."""
    reason: str
    """Why it is needed, and what breaks without it."""
    parameters: tuple[str, ...] | None = None
    """The parameters that it must have, in their order; None where they do not matter."""

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @classmethod
    def declared(cls, signature: str, used_in: str, reason: str) -> "PrivateName":
        """From ``module.Class.method(self, other)``, or ``module.Class.attribute``."""
        path, parameters = re.fullmatch(r"([\w.]+)(?:\((.*)\))?", signature).groups()
        names = None if parameters is None else tuple(filter(None, parameters.split(", ")))
        return cls(path, used_in, reason, names)

"""A value with a fault, kept in its place: its row is rejected only if the value is read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Faulty:
    """What stands in a row for a value that cannot be used: a key twice, a NUL character, infinity."""

    reason: str
    """What is wrong with it, as a sentence."""

    def __str__(self) -> str:
        return self.reason

"""What a parity check asks of what was written."""

from collections.abc import Sequence
from typing import Protocol


class Reader(Protocol):
    """What was written, opened by something else than what wrote it."""

    opened_with: str
    """E.g. ``Transformers 5.23.0``."""

    def prompt(self, messages: list[dict]) -> list[int]:
        """The tokens before the answer to ``messages``, by its own template."""

    def answer(self, prompt: list[int], most: int) -> list[int]:
        """The greedy answer to ``prompt``, of at most ``most`` tokens; with the token that ended it, if one did."""

    def text(self, ids: Sequence[int]) -> str:
        """``ids`` as text, special tokens too."""

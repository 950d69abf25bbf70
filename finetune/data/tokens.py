"""From an example to the exact tokens a model is trained on, and which of them are learnt.

The page colours these tokens and the trainer receives them: there is one function for both.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """One token sequence of an example, cut to the length asked for."""

    ids: tuple[int, ...]
    """Token ids, T of them."""
    trained: tuple[bool, ...]
    """T flags: True where the token is learnt."""
    full_length: int
    """Tokens before the cut."""
    name: str = ""
    """``chosen`` or ``rejected`` for a pair of answers, else empty."""

    @property
    def is_truncated(self) -> bool:
        return self.full_length > len(self.ids)

    @property
    def learns(self) -> bool:
        """True if at least one token is learnt."""
        return any(self.trained)

    def labels(self) -> list[int]:
        """The ids where a token is learnt, -100 elsewhere: what the trainer's loss reads."""
        return [token if learnt else -100 for token, learnt in zip(self.ids, self.trained)]


def chat_piece(messages: list[dict], tokenizer, length: int, everything: bool = False) -> Piece:
    raise NotImplementedError


def text_piece(text: str, tokenizer, length: int) -> Piece:
    raise NotImplementedError


def preference_pieces(example: dict, tokenizer, length: int) -> tuple[Piece, Piece]:
    raise NotImplementedError

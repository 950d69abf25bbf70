"""How many rows and tokens there are to learn from: what memory and time are told from before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from finetune.data.tokens import Piece


@dataclass(frozen=True)
class Counts:
    """Of rows that are learnt from, each of one sequence of tokens or of several (a pair of answers); 0: not known."""

    rows: int = 0
    longest: int = 0
    """Tokens of the longest sequence, before the cut."""
    tokens: int = 0
    """Tokens of all sequences, after the cut."""
    learnt: int = 0
    """Those of them that are learnt."""
    most_learnt: int = 0
    """Tokens that are learnt in the row with the most of them."""
    held_out: int = 0
    """Rows kept for checking, which are not among those above."""

    @classmethod
    def of(cls, row: Sequence[Piece]) -> "Counts":
        """One row."""
        learnt = sum(sum(piece.trained) for piece in row)
        return cls(
            1, max(piece.full_length for piece in row), sum(len(piece.ids) for piece in row), learnt, most_learnt=learnt
        )

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.rows + other.rows,
            max(self.longest, other.longest),
            self.tokens + other.tokens,
            self.learnt + other.learnt,
            max(self.most_learnt, other.most_learnt),
            self.held_out + other.held_out,
        )

    def times(self, scale: float) -> "Counts":
        """What ``scale`` times as many rows of this kind come to."""
        rows, tokens, learnt = (round(count * scale) for count in (self.rows, self.tokens, self.learnt))
        return replace(self, rows=rows, tokens=tokens, learnt=learnt)

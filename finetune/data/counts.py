"""How many rows and tokens there are to learn from: what memory and time are told from before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from finetune.data.tokens import TokenSequence


@dataclass(frozen=True)
class Counts:
    """Of rows that are learnt from, each of one sequence of tokens or of several (a pair of answers); 0: not known."""

    rows: int = 0
    longest: int = 0
    """Tokens of the longest sequence, before the cut."""
    tokens: int = 0
    """Tokens of all sequences, after the cut."""
    trained: int = 0
    """Those of them that are learnt."""
    most_trained: int = 0
    """Tokens that are learnt in the row with the most of them."""
    held_out: int = 0
    """Rows kept for checking, which are not among those above."""

    @classmethod
    def of(cls, row: Sequence[TokenSequence]) -> "Counts":
        """One row."""
        trained = sum(sum(sequence.trained) for sequence in row)
        return cls(
            1,
            max(sequence.full_length for sequence in row),
            sum(len(sequence.ids) for sequence in row),
            trained,
            most_trained=trained,
        )

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.rows + other.rows,
            max(self.longest, other.longest),
            self.tokens + other.tokens,
            self.trained + other.trained,
            max(self.most_trained, other.most_trained),
            self.held_out + other.held_out,
        )

    def times(self, scale: float) -> "Counts":
        """What ``scale`` times as many rows of this kind come to."""
        rows, tokens, trained = (round(count * scale) for count in (self.rows, self.tokens, self.trained))
        return replace(self, rows=rows, tokens=tokens, trained=trained)

"""Numbers of rows and tokens, from which memory and time are estimated before training."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from finetune.data.tokens import TokenSequence


@dataclass(frozen=True)
class Counts:
    """Of training rows, each of one token sequence or of several (a preference pair); 0 means unknown."""

    rows: int = 0
    longest: int = 0
    """Tokens of the longest sequence, before truncation."""
    tokens: int = 0
    """Tokens of all sequences, after truncation."""
    trained: int = 0
    """Trained tokens of all sequences, those in the loss."""
    most_trained: int = 0
    """Trained tokens of the row with the most of them."""
    held_out: int = 0
    """Held-out rows, which are not included above."""

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
        """The counts for ``scale`` times as many rows."""
        rows, tokens, trained = (round(count * scale) for count in (self.rows, self.tokens, self.trained))
        return replace(self, rows=rows, tokens=tokens, trained=trained)

"""How the rows of a data set are understood: the one account that page, command line, API and recipe share."""

from collections.abc import Sequence
from dataclasses import dataclass

AUTO = "auto"
SURE = 0.9
"""Below this confidence a person is asked before anything is trained."""


LISTED = 12
"""Columns that are named in a sentence; the others are counted."""


def listed(names: Sequence[str], most: int = LISTED) -> str:
    """``names`` with commas, at most so many: ``"id", "source" and 3 more``."""
    others = len(names) - most
    return ", ".join(names[:most]) + (f" and {others:,} more" if others > 0 else "")


@dataclass(frozen=True)
class Detected:
    """The format of the rows, the columns that it reads, and those that it does not."""

    format: str
    title: str
    """The format's name as the page shows it."""
    kind: str
    columns: dict[str, str]
    """Field -> column, or a text that is the same for each row."""
    unused: tuple[str, ...]
    """Columns of the file that nothing reads."""
    confidence: float
    """0 to 1; 1 if a person chose the format."""
    reason: str
    notes: tuple[str, ...] = ()
    """How the file was read, as sentences."""

    @property
    def is_sure(self) -> bool:
        """True if nobody needs to be asked."""
        return self.confidence >= SURE

    @property
    def percent(self) -> int:
        """The confidence in percent; never 100, unless a person chose the format."""
        return min(99, int(100 * self.confidence + 1e-9))

    @property
    def mapped(self) -> str:
        """Which column is which field: ``prompt = "question", completion = "reply"``."""
        return ", ".join(f'{field} = "{column}"' for field, column in self.columns.items())

    @property
    def unread(self) -> str:
        """The columns that are not used: ``"id", "source"``; empty if all are."""
        return listed([f'"{column}"' for column in self.unused])

    @property
    def account(self) -> str:
        """Every column accounted for, in one or two sentences."""
        return f"Read as {self.title}: {self.mapped}." + (f" Not used: {self.unread}." if self.unused else "")

    def doubt(self, chosen: str) -> str:
        """Why a person has to be asked, as a sentence; empty if it is certain or a format was ``chosen``."""
        if self.is_sure or chosen != AUTO:
            return ""
        return f"It is not certain what the rows mean ({self.percent} % confidence). {self.account}"

    @property
    def remedy(self) -> str:
        """What to do about a doubt."""
        return (
            f"If that is what you mean, set data.format to {self.format} (--yes on the command line, or the button on "
            "the Data tab); else choose another format, or name its columns in data.columns."
        )

    @property
    def remedy_if_mixed_in(self) -> str:
        """What to do about a doubt over rows that are mixed in."""
        return (
            f"If that is what you mean, name the file in data.mix with the format {self.format} (--yes on the command "
            "line); else name another format, or its columns."
        )

    def to_dict(self) -> dict:
        """The same as JSON values."""
        return {
            "format": self.format,
            "title": self.title,
            "kind": self.kind,
            "columns": {field: str(column) for field, column in self.columns.items()},
            "unused": list(self.unused),
            "confidence": round(self.confidence, 3),
            "is_sure": self.is_sure,
            "reason": self.reason,
            "notes": list(self.notes),
        }

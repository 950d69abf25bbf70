"""What a format is: how to tell it, which columns it needs, and how a row becomes an example.

A format is recognized by trying it: the usual names only say which columns to try first, and its score is the share
of rows that serve. An example has the columns that TRL's trainers read.
"""

import math
import re
from dataclasses import dataclass
from typing import ClassVar

from finetune.data.formats.mapping import Template, check_roles, read_mapping, used

LONG = 500
"""Characters of a value that count when columns are compared."""
GUESSED = 0.4
"""What is left of the confidence where only the content of columns, not a name, says what they are."""


class RowError(ValueError):
    """Why a row cannot serve, as a sentence."""


@dataclass(frozen=True)
class Part:
    """One thing a format reads from a row, and so one field of the mapping form."""

    name: str
    help: str
    names: tuple[str, ...] = ()
    """What its column is usually called, the likeliest first, in lower case with underscores."""
    required: bool = True


@dataclass(frozen=True)
class Recognition:
    """How well a format suits some rows."""

    score: float
    """0 to 1: the share of the rows that serve, less if no name says what the columns are."""
    reason: str
    columns: dict[str, str]
    """Part -> column, or a ``Template`` that puts several together."""


@dataclass(frozen=True)
class Plain:
    """What an example is where a row holds prose in some columns: these texts as they are, and nothing else."""

    turns: tuple[tuple[str, str], ...]
    """The role and the column of each turn; the role is empty for plain text."""
    system: str = ""
    """The instruction that comes before the turns, if there is one."""


SYSTEM = Part("system", "An instruction put before the conversation.", ("system", "system_prompt"), required=False)
TOOLS = Part(
    "tools", "The tools that the assistant may call, as a list of functions.", ("tools", "functions"), required=False
)
ASIDE = ("system", "tools")
"""Parts that go with a conversation and do not tell a format."""


class Format:
    """The base of all formats; a subclass is one file in ``finetune/data/formats/``."""

    name: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[str]
    """The kind of example it gives: ``chat``, ``preference``, ``rated``, ``prompt`` or ``text``."""
    order: ClassVar[int] = 100
    """Of two that score the same, the lower is taken."""
    parts: ClassVar[tuple[Part, ...]]
    holds: ClassVar[str]
    """What its columns hold, to end the sentence "The column … holds …"."""
    unless: ClassVar[str] = ""
    """An expression (RE2) that stands in every text that makes more of an example than ``plain`` says."""
    weight: ClassVar[float] = 1.0
    """How much its score counts against other formats': less if nearly any row would serve."""
    refusal: ClassVar[str] = ""
    """Why rows of this format cannot be learnt from yet, if so."""

    def recognize(
        self,
        columns: tuple[str, ...],
        rows: list[dict],
        mapped: dict[str, str] | None = None,
        roles: dict[str, str] | None = None,
    ) -> Recognition | None:
        """How well the format suits ``rows``, or None if it finds no columns for its parts.

        ``mapped`` are the columns that a person chose, and ``roles`` the speakers (or ratings) that a person explained.
        ``DataError`` if they name a column or a role that is not there.
        """
        check_roles(roles)
        found, guessed = self.find(columns, rows, mapped or {}), False
        if self.missing(found):
            found, guessed = {**found, **self.guess(columns, rows, found)}, True
        if self.missing(found):
            return None
        served = sum(self._serves(row, found, roles) for row in rows)
        reason = f"{self._holders(found)} {self.holds} in {_share(served, len(rows))} rows looked at."
        if guessed:
            reason += " Only what they hold says so, not their names: please check it."
        return Recognition((GUESSED if guessed else 1) * served / max(1, len(rows)), reason, found)

    def find(self, columns: tuple[str, ...], rows: list[dict], mapped: dict[str, str]) -> dict[str, str]:
        """Which column plays which part: as ``mapped``, else by the usual names; a part may stay without one."""
        found = read_mapping(mapped, columns)
        taken = used(found)
        by_name = {plain(column): column for column in reversed(columns) if column not in taken}
        for part in self.parts:
            column = next((by_name[name] for name in part.names if name in by_name), None)
            if part.name not in found and column is not None:
                found[part.name] = column
        return found

    def guess(self, columns: tuple[str, ...], rows: list[dict], found: dict[str, str]) -> dict[str, str]:
        """Columns for the parts that ``found`` lacks, told by what they hold; none unless the format can tell."""
        return {}

    def missing(self, columns: dict[str, str]) -> list[str]:
        """The parts that still need a column."""
        return [part.name for part in self.parts if part.required and part.name not in columns]

    def example(
        self, row: dict, columns: dict[str, str], system: str | None = None, roles: dict[str, str] | None = None
    ) -> dict:
        """The example that ``row`` gives, with ``columns`` as part -> column; ``RowError`` if it gives none."""
        raise NotImplementedError

    def examples(
        self, row: dict, columns: dict[str, str], system: str | None = None, roles: dict[str, str] | None = None
    ) -> list[dict]:
        """All examples that ``row`` gives; one, unless a format nests several in a row."""
        return [self.example(row, columns, system, roles)]

    def plain(self, columns: dict[str, str], system: str | None = None) -> Plain | None:
        """What the example of a row is if it holds prose in all of ``columns``; None if that is not for sure.

        Prose is a text with more than white space that does not begin like JSON (``finetune.data.texts``).
        """
        return None

    def _serves(self, row: dict, columns: dict[str, str], roles: dict[str, str] | None) -> bool:
        try:
            return bool(self.examples(row, columns, None, roles))
        except RowError:
            return False

    def _holders(self, found: dict[str, str]) -> str:
        """The columns found, up to the verb: ``The columns "a" and "b" hold``."""
        names = [f'"{found[part.name]}"' for part in self.parts if part.name in found and part.name not in ASIDE]
        if len(names) == 1:
            return f"The column {names[0]} holds"
        return f"The columns {', '.join(names[:-1])} and {names[-1]} hold"


def plain_exchange(columns: dict[str, str], asked: str, answer: str, system: str | None) -> Plain | None:
    """A question and its answer, if these two parts are all that ``columns`` has and neither puts several together."""
    if columns.keys() != {asked, answer} or any(isinstance(column, Template) for column in columns.values()):
        return None
    turns = (("user", columns[asked]), ("assistant", columns[answer]))
    return Plain(turns, system if system and system.strip() else "")


def _share(served: int, total: int) -> str:
    return f"all {total:,}" if served == total else f"{served:,} of {total:,}"


def characters(rows: list[dict], column: str) -> int:
    """How much text a column holds; of one value at most ``LONG``, so that a few long ones do not decide."""
    return sum(min(len(row[column]), LONG) for row in rows if isinstance(row.get(column), str))


def plain(name: str) -> str:
    """A column's name in lower case, with one underscore for whatever is no letter or digit."""
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_")


def text(row: dict, column: str) -> str:
    """The text in a column, as written; ``RowError`` if it is missing, empty or no text."""
    value = optional_text(row, column)
    if value.strip():
        return value
    if isinstance(column, Template) and len(column.columns) > 1:
        names = ", ".join(f'"{name}"' for name in dict.fromkeys(column.columns))
        raise RowError(f"The columns {names} are all empty.")
    raise RowError(f'Column "{column.columns[0] if isinstance(column, Template) else column}" is empty.')


def optional_text(row: dict, column: str | None) -> str:
    """The text in a column, or an empty one if there is none; ``RowError`` if it is something else than text.

    A ``Template`` whose columns are all empty is empty too.
    """
    if isinstance(column, Template):
        values = [optional_text(row, name) for name in column.columns]
        filled = zip((before for before, _ in column.pieces), [*values, ""])
        return "".join(before + value for before, value in filled) if any(map(str.strip, values)) else ""
    value = row.get(column) if column else None
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    raise RowError(f'Column "{column}" holds {kind_of(value)}, not text.')


def cell(row: dict, column: str | None) -> object:
    """What a column holds, of whatever kind; None if there is none."""
    if isinstance(column, Template):
        return optional_text(row, column)
    return row.get(column) if column else None


def instruction(row: dict, columns: dict[str, str], system: str | None) -> str | None:
    """The row's own instruction to put before the conversation, else ``system``."""
    own = optional_text(row, columns.get("system"))
    return own if own.strip() else system


def kind_of(value: object) -> str:
    """What a value that should be text is, in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (bytes, bytearray)):
        return "binary data"
    return "no number" if isinstance(value, float) else f"a {type(value).__name__}"

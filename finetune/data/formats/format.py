"""What a format is: its fields, how it is detected, and how a row becomes an example.

A format is detected by trying it: column names only say which columns to try first, and its score is the share of rows
that give an example. An example has the columns that TRL's trainers read.
"""

import math
import re
from dataclasses import dataclass
from typing import ClassVar

from finetune.data.faulty import Faulty
from finetune.data.formats.mapping import Template, check_roles, read_mapping, used

LONG = 500
"""Characters of a value that count when the amounts of text in columns are compared."""
GUESSED = 0.4
"""Factor of the confidence if columns are recognized only by their content, not by their names."""


class RowError(ValueError):
    """Why a row gives no example, as a sentence; and the type of the ``fix`` that solves it, if there is one."""

    def __init__(self, reason: str, fix: str = ""):
        super().__init__(reason)
        self.fix = fix


@dataclass(frozen=True)
class FormatField:
    """One field of a format's schema, filled from a column; also one field of the mapping form."""

    name: str
    help: str
    names: tuple[str, ...] = ()
    """Usual names of its column, the likeliest first, in lower case with underscores."""
    required: bool = True
    is_worded: bool = False
    """True if it may also be a text that is the same for each row, such as an instruction."""


@dataclass(frozen=True)
class Recognition:
    """How well a format fits some rows."""

    score: float
    """0 to 1: the share of rows that give an example, less if no column name supports it."""
    reason: str
    columns: dict[str, str]
    """Field -> column, or a ``Template`` that combines several."""
    certainty: float = 1.0
    """0 to 1: the confidence in the columns, whatever share of rows fits."""
    notes: tuple[str, ...] = ()
    """What a person should know of how the rows are read, as sentences."""
    problem: str = ""
    """Why the first row that gives no example gives none."""

    @property
    def served(self) -> float:
        """The share of rows that give an example."""
        return self.score / self.certainty


@dataclass(frozen=True)
class Plain:
    """The example of a row whose columns hold prose: these texts as they are, and nothing else."""

    turns: tuple[tuple[str, str], ...]
    """Role and column of each turn; the role is empty for plain text."""
    system: str = ""
    """The system prompt before the turns, if there is one."""


SYSTEM = FormatField(
    "system",
    "The system prompt of the conversation.",
    (
        "system", "system_prompt", "system_message", "system_instruction", "system_instructions", "system_text",
        "system_content", "systemprompt", "systemmessage", "systeminstruction", "sys", "sys_prompt", "sys_message",
        "instructions", "developer_prompt", "developer", "persona",
    ),
    required=False,
)  # fmt: skip
TOOLS = FormatField(
    "tools",
    "The tools that the assistant may call, as a list of functions.",
    (
        "tools", "functions", "tool_defs", "tool_definitions", "tools_definition", "tool_schemas", "tool_list",
        "tools_json", "available_tools", "available_functions", "function_definitions", "function_descriptions",
    ),
    required=False,
)  # fmt: skip
ASIDE = ("system", "tools", "mask")
"""Fields that any conversation may have, so that they do not identify a format."""


class Format:
    """The base of all formats; a subclass is one file in ``finetune/data/formats/``."""

    name: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[str]
    """The kind of its examples: ``chat``, ``preference``, ``rated``, ``prompt`` or ``text``."""
    order: ClassVar[int] = 100
    """Of two with equal scores, the lower wins."""
    fields: ClassVar[tuple[FormatField, ...]]
    holds: ClassVar[str]
    """What its columns hold, as the end of the sentence "The column … holds …"."""
    unless: ClassVar[str] = ""
    """An expression (RE2) that matches every text from which ``example`` makes more than ``plain`` says."""
    weight: ClassVar[float] = 1.0
    """Factor of its score against other formats: lower if nearly any row would fit."""
    is_task: ClassVar[bool] = False
    """True if the answer is a fact about a text, so that a column called label or score does not rate it."""
    has_labels: ClassVar[bool] = False
    """True if its answers are a few fixed ones, so that equal answers are no fault."""
    refusal: ClassVar[str] = ""
    """Why rows that are detected as this format are refused, unless that ``is_certain``."""

    def recognize(
        self,
        columns: tuple[str, ...],
        rows: list[dict],
        mapped: dict[str, str] | None = None,
        roles: dict[str, str] | None = None,
    ) -> Recognition | None:
        """How well the format fits ``rows``, or None if it finds no columns for its fields.

        ``mapped`` are the columns that a person assigned, and ``roles`` the meanings of speakers (or ratings).
        ``DataError`` if they name a column or a role that does not exist.
        """
        check_roles(roles)
        found, guessed = self.find(columns, rows, mapped or {}), False
        if self.missing(found):
            found, guessed = {**found, **self.guess(columns, rows, found)}, True
        if self.missing(found):
            return None
        problems = [problem for row in rows if (problem := self._problem(row, found, roles))]
        fitting = len(rows) - len(problems)
        reason = f"{self._holders(found)} {self.holds} in {_share(fitting, len(rows))} sampled rows."
        if guessed:
            reason += " Only their content suggests so, not their names: please check it."
        certainty = GUESSED if guessed else self.certainty(found)
        score, notes = certainty * fitting / max(1, len(rows)), tuple(self.notes(found, rows))
        return Recognition(score, reason, found, certainty, notes, problems[0] if problems else "")

    def find(self, columns: tuple[str, ...], rows: list[dict], mapped: dict[str, str]) -> dict[str, str]:
        """Field -> column: as ``mapped``, else by the usual names, each column once; a field may stay without one."""
        found = read_mapping(mapped, columns, {field.name for field in self.fields if field.is_worded})
        taken = used(found)
        by_name = {plain(column): column for column in reversed(columns) if column not in taken}
        for field in self.fields:
            name = next((name for name in field.names if name in by_name), None)
            if field.name not in found and name is not None:
                found[field.name] = by_name.pop(name)
        return found

    def guess(self, columns: tuple[str, ...], rows: list[dict], found: dict[str, str]) -> dict[str, str]:
        """Columns for the fields that ``found`` lacks, recognized by their content; none by default."""
        return {}

    def certainty(self, columns: dict[str, str]) -> float:
        """0 to 1: the confidence in ``columns``, which are found by their names."""
        return 1.0

    def notes(self, columns: dict[str, str], rows: list[dict]) -> list[str]:
        """What a person should know of how ``rows`` are read, as sentences."""
        return []

    def is_certain(self, columns: dict[str, str], unused: tuple[str, ...]) -> bool:
        """True if rows with ``columns`` and others ``unused`` can only be meant so; asked of formats with a refusal."""
        return False

    def missing(self, columns: dict[str, str]) -> list[str]:
        """The fields that still need a column."""
        return [field.name for field in self.fields if field.required and field.name not in columns]

    def example(
        self, row: dict, columns: dict[str, str], system: str | None = None, roles: dict[str, str] | None = None
    ) -> dict:
        """The example that ``row`` gives, with ``columns`` as field -> column; ``RowError`` if it gives none."""
        raise NotImplementedError

    def examples(
        self, row: dict, columns: dict[str, str], system: str | None = None, roles: dict[str, str] | None = None
    ) -> list[dict]:
        """All examples that ``row`` gives; one, unless a format nests several in a row."""
        return [self.example(row, columns, system, roles)]

    def plain(self, columns: dict[str, str], system: str | None = None) -> Plain | None:
        """What the example of a row is if all of ``columns`` hold prose; None if that is uncertain.

        Prose is a text with more than white space that does not begin like JSON (``finetune.data.texts``).
        """
        return None

    def _problem(self, row: dict, columns: dict[str, str], roles: dict[str, str] | None) -> str:
        """Why ``row`` gives no example; empty if it gives one."""
        try:
            return "" if self.examples(row, columns, None, roles) else "It gives no example."
        except RowError as error:
            return str(error)

    def _holders(self, found: dict[str, str]) -> str:
        """The columns found, with the verb: ``The columns "a" and "b" hold``."""
        columns = [found[field.name] for field in self.fields if field.name in found and field.name not in ASIDE]
        names = [f'"{column}"' for column in columns if not isinstance(column, Template) or column.columns]
        if len(names) == 1:
            return f"The column {names[0]} holds"
        return f"The columns {', '.join(names[:-1])} and {names[-1]} hold"


def plain_exchange(columns: dict[str, str], asked: str, answer: str, system: str | None) -> Plain | None:
    """A question and its answer, if ``columns`` has only these two fields, and both hold texts as they are."""
    if columns.keys() != {asked, answer} or any(type(column) is not str for column in columns.values()):
        return None
    turns = (("user", columns[asked]), ("assistant", columns[answer]))
    return Plain(turns, system if system and system.strip() else "")


def _share(fitting: int, total: int) -> str:
    return f"all {total:,}" if fitting == total else f"{fitting:,} of {total:,}"


def characters(rows: list[dict], column: str) -> int:
    """Characters of text in a column; at most ``LONG`` per value, so that a few long ones do not decide."""
    return sum(min(len(row[column]), LONG) for row in rows if isinstance(row.get(column), str))


def plain(name: str) -> str:
    """A column's name in lower case, with an underscore for each run of other characters than letters and digits."""
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_")


def text(row: dict, column: str) -> str:
    """The text in a column, as written; ``RowError`` if it is missing, empty or not text."""
    value = optional_text(row, column)
    if value.strip():
        return value
    if isinstance(column, Template) and len(column.columns) > 1:
        names = ", ".join(f'"{name}"' for name in dict.fromkeys(column.columns))
        raise RowError(f"The columns {names} are all empty.")
    raise RowError(f'Column "{column.columns[0] if isinstance(column, Template) else column}" is empty.')


def optional_text(row: dict, column: str | None) -> str:
    """The text in a column, or an empty one if there is none; ``RowError`` if it is not text.

    A ``Template`` whose columns are all empty is empty too.
    """
    if not column:
        return ""
    if isinstance(column, Template) and not column.columns:
        return column.segments[0][0]
    if isinstance(column, Template):
        values = [optional_text(row, name) for name in column.columns]
        filled = zip((before for before, _ in column.segments), [*values, ""])
        return "".join(before + value for before, value in filled) if any(map(str.strip, values)) else ""
    value = cell(row, column)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)
    raise RowError(f'Column "{column}" holds {kind_of(value)}, not text.')


def cell(row: dict, column: str | None) -> object:
    """The value of a column, of any type; None if there is none. ``RowError`` if it has a fault."""
    if not column:
        return None
    if isinstance(column, Template):
        return optional_text(row, column)
    value = row.get(column)
    if isinstance(value, Faulty):
        raise RowError(f'Column "{column}": {value.reason}')
    return value


def system_prompt(row: dict, columns: dict[str, str], system: str | None) -> str | None:
    """The row's own system prompt, else ``system``."""
    own = optional_text(row, columns.get("system"))
    return own if own.strip() else system


def number_in(value: object) -> float | None:
    """A finite number, also one that is written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def kind_of(value: object) -> str:
    """The type of a value that should be text, in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (bytes, bytearray)):
        return "binary data"
    return "no number" if isinstance(value, float) else f"a {type(value).__name__}"

"""Field mapping by a person: which column fills a field, or how several columns are combined.

``{subject}: {body}`` combines two columns. A column with exactly that name takes precedence, and literal braces are
doubled.
"""

import re
from collections.abc import Collection

from finetune.errors import DataError

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
"""A doubled brace, or a name in braces."""
MEANINGS = ("system", "user", "assistant", "tool", "good", "bad")
"""What a name in the rows can mean: a speaker's role, or a rating."""


class Template(str):
    """A text with column names in braces, in place of a single column name; without any, the same for each row."""

    segments: tuple[tuple[str, str | None], ...]
    """The text before each column, and the column; the last has none."""

    def __new__(cls, written: str):
        template = super().__new__(cls, written)
        template.segments = tuple(_segments(written))
        return template

    @property
    def columns(self) -> list[str]:
        """The columns that it combines."""
        return [column for _, column in self.segments if column is not None]


def read_mapping(
    mapped: dict[str, str], columns: tuple[str, ...], worded: Collection[str] = frozenset()
) -> dict[str, str]:
    """``mapped`` (field -> column) with each text that combines columns as a ``Template``.

    A field in ``worded`` may also be a text without any column. ``DataError`` for another column that does not exist.
    """
    return {field: _read(field, written, columns, field in worded) for field, written in mapped.items()}


def used(mapped: dict[str, str]) -> set[str]:
    """The columns that a mapping uses."""
    return {
        column
        for chosen in mapped.values()
        for column in (chosen.columns if isinstance(chosen, Template) else (chosen,))
    }


def check_roles(roles: dict[str, str] | None) -> None:
    """``DataError`` if ``roles`` gives a name an unknown meaning."""
    for name, meaning in (roles or {}).items():
        if meaning.strip().lower() not in MEANINGS:
            raise DataError(f'"{name}" cannot be "{meaning}".', f"It can be: {', '.join(MEANINGS)}.")


def known_names(names: dict[str, str], roles: dict[str, str] | None) -> dict[str, str]:
    """``names`` (in lower case -> meaning) with those of ``roles`` that have one of the same meanings."""
    if not roles:
        return names
    explained = {name.strip().lower(): meaning.strip().lower() for name, meaning in roles.items()}
    meanings = set(names.values())
    return names | {name: meaning for name, meaning in explained.items() if meaning in meanings}


def _read(field: str, written: str, columns: tuple[str, ...], is_worded: bool) -> str:
    if written in columns:
        return written
    template = Template(written)
    missing = next((column for column in template.columns if column not in columns), None)
    if missing is None and (template.columns or is_worded):
        return template
    name = written if missing is None else missing
    there = f"There are: {', '.join(columns)}."
    doubled = " Double literal braces." if missing is not None else ""
    raise DataError(f'There is no column "{name}" for the field "{field}".', there + doubled)


def _segments(written: str):
    text, end = "", 0
    for found in PLACEHOLDER.finditer(written):
        text += written[end : found.start()]
        end = found.end()
        if found[1] is None:
            text += found[0][0]
        else:
            yield text, found[1].strip()
            text = ""
    yield text + written[end:], None

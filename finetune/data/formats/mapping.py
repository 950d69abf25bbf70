"""What a person says of the columns: which one plays a part, or how several are put together.

``{subject}: {body}`` puts two columns together. A column's own name wins over such a reading, and braces that are to be
written are doubled.
"""

import re

from finetune.errors import DataError

PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
"""A doubled brace, or a name in braces."""
MEANINGS = ("system", "user", "assistant", "tool", "good", "bad")
"""What a name in the rows can be said to mean: a speaker's role, or a rating."""


class Template(str):
    """A text with names of columns in braces, in the place of a column's name."""

    pieces: tuple[tuple[str, str | None], ...]
    """The text before each column, and the column; the last has none."""

    def __new__(cls, written: str):
        template = super().__new__(cls, written)
        template.pieces = tuple(_pieces(written))
        return template

    @property
    def columns(self) -> list[str]:
        """The columns that it puts together."""
        return [column for _, column in self.pieces if column is not None]


def read_mapping(mapped: dict[str, str], columns: tuple[str, ...]) -> dict[str, str]:
    """``mapped`` (part -> column) with each text that puts columns together as a ``Template``.

    ``DataError`` if it names a column that is not among ``columns``.
    """
    return {part: _read(part, written, columns) for part, written in mapped.items()}


def used(mapped: dict[str, str]) -> set[str]:
    """The columns that a mapping uses."""
    return {
        column
        for chosen in mapped.values()
        for column in (chosen.columns if isinstance(chosen, Template) else (chosen,))
    }


def check_roles(roles: dict[str, str] | None) -> None:
    """``DataError`` if ``roles`` gives a name a meaning that is not known."""
    for name, meaning in (roles or {}).items():
        if meaning.strip().lower() not in MEANINGS:
            raise DataError(f'"{name}" cannot be "{meaning}".', f"It can be: {', '.join(MEANINGS)}.")


def known_names(names: dict[str, str], roles: dict[str, str] | None) -> dict[str, str]:
    """``names`` (in lower case -> meaning) with those that a person explained in the same meanings."""
    if not roles:
        return names
    explained = {name.strip().lower(): meaning.strip().lower() for name, meaning in roles.items()}
    meanings = set(names.values())
    return names | {name: meaning for name, meaning in explained.items() if meaning in meanings}


def _read(part: str, written: str, columns: tuple[str, ...]) -> str:
    if written in columns:
        return written
    template = Template(written)
    missing = next((column for column in template.columns if column not in columns), None)
    if missing is None and template.columns:
        return template
    name = written if missing is None else missing
    there = f"There are: {', '.join(columns)}."
    doubled = " Double the braces that are to be written." if missing is not None else ""
    raise DataError(f'There is no column "{name}" to be the {part}.', there + doubled)


def _pieces(written: str):
    text, end = "", 0
    for found in PIECE.finditer(written):
        text += written[end : found.start()]
        end = found.end()
        if found[1] is None:
            text += found[0][0]
        else:
            yield text, found[1].strip()
            text = ""
    yield text + written[end:], None

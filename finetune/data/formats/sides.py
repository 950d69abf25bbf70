"""One side of an exchange: a text, a turn, a list of turns, or a transcript, as turns."""

from finetune.data.formats.blocks import written
from finetune.data.formats.format import cell, text
from finetune.data.formats.layouts import has_items, mixed, nested_in
from finetune.data.formats.mapping import known_names
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import SPEAKERS, Keys, read_turns, turn_keys, unweighted
from finetune.data.formats.written import asked_of, transcript, turns_of


def side(
    row: dict, column: str, speaker: str, roles: dict[str, str] | None = None, is_whole: bool = False
) -> list[dict]:
    """The content of a column as turns without weights: as ``spoken``, or a transcript.

    ``is_whole`` if it must hold a whole conversation, so that a text may be written out in any dialect; an answer to a
    prompt may well quote one.
    """
    value = cell(row, column)
    turns = transcript(value) if isinstance(value, str) else []
    if isinstance(value, str) and speaker == "user" and not turns:
        turns = asked_of(value) or []
    if isinstance(value, str) and is_whole and not turns:
        turns = turns_of(value) or []
    return turns or unweighted(spoken(row, column, speaker, roles))


def spoken(row: dict, column: str, speaker: str, roles: dict[str, str] | None = None) -> list[dict]:
    """The content of a column as turns; what has no speakers is one turn by ``speaker``.

    An object, or a list that is no conversation, is text as JSON; a list of one text is that text. ``RowError`` if it
    is empty.
    """
    value = cell(row, column)
    if isinstance(value, str) and _is_conversation(value):
        value = parsed(value)
    if isinstance(value, (dict, list)):
        inner = nested_in(value)
        turns = [value] if isinstance(inner, dict) else inner
        if found := conversation_in(turns, roles):
            return read_turns(found[0], column, found[1], roles)
    return [{"role": speaker, "content": answer_text(row, column)}]


def answer_text(row: dict, column: str) -> str:
    """The text in a column; an object or a list as JSON, and a list of one text as that text."""
    value = cell(row, column)
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) and value[0].strip():
        return value[0]
    return written(value) if isinstance(value, (dict, list)) and value else text(row, column)


def conversation_in(turns: list, roles: dict[str, str] | None = None) -> tuple[list[dict], Keys] | None:
    """The turns that a list is meant to be, and their keys; None for data, which an answer may well be."""
    if not turns:
        return turns, Keys()
    if not all(isinstance(turn, dict) for turn in turns):
        return None
    keys, names = turn_keys(turns), known_names(SPEAKERS, roles)
    if keys and all(turn[keys.role].strip().lower() in names for turn in turns):
        return turns, keys
    if any(isinstance(turn.get(key), str) for turn in turns for key in ("role", "from")) or has_items(turns):
        found = None if keys else mixed(turns)
        return (found, Keys()) if found else (turns, keys or Keys())
    return None


def _is_conversation(written: str) -> bool:
    """True if a text is turns by known speakers as JSON, or an object with them: an answer may well be other JSON."""
    turns = nested_in(parsed(written)) if written.lstrip().startswith(("[", "{")) else None
    keys = turn_keys(turns) if isinstance(turns, list) else None
    return keys is not None and all(turn[keys.role].strip().lower() in SPEAKERS for turn in turns)

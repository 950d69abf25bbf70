"""One side of an exchange: a text, a turn, a list of turns, or a transcript, as turns."""

from finetune.data.formats.format import cell, text
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import SPEAKERS as KNOWN
from finetune.data.formats.turns import Keys, read_turns, turn_keys, unweighted
from finetune.data.formats.written import transcript, turns_of


def side(
    row: dict, column: str, speaker: str, roles: dict[str, str] | None = None, is_whole: bool = False
) -> list[dict]:
    """The content of a column as turns without weights: as ``spoken``, or a transcript.

    ``is_whole`` if it must hold a whole conversation, so that a text may be written out in any dialect; an answer to a
    prompt may well quote one.
    """
    value = cell(row, column)
    written = transcript(value) if isinstance(value, str) else []
    if isinstance(value, str) and is_whole and not written:
        written = turns_of(value) or []
    return written or unweighted(spoken(row, column, speaker, roles))


def spoken(row: dict, column: str, speaker: str, roles: dict[str, str] | None = None) -> list[dict]:
    """The content of a column as turns; a text without speakers is one turn by ``speaker``.

    ``RowError`` if it is empty, or neither text nor turns.
    """
    value = cell(row, column)
    turns = [value] if isinstance(value, dict) else value
    if isinstance(turns, str) and _is_conversation(turns):
        turns = parsed(turns)
    if isinstance(turns, list):
        return read_turns(turns, column, turn_keys(turns) or Keys(), roles)
    return [{"role": speaker, "content": text(row, column)}]


def _is_conversation(written: str) -> bool:
    """True if a text is a JSON list of turns by known speakers: an answer may well be other JSON."""
    keys = turn_keys(written) if written.lstrip().startswith("[") else None
    return keys is not None and all(turn[keys.role].strip().lower() in KNOWN for turn in parsed(written))

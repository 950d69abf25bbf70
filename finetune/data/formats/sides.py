"""One side of an exchange: a text, a turn, a list of turns, or a transcript, as turns."""

import re

from finetune.data.formats.format import cell, text
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import SPEAKERS as KNOWN
from finetune.data.formats.turns import Keys, read_turns, turn_keys, unweighted

SPEAKER = re.compile(r"(?:\A|\n\n)\s*(Human|User|Assistant|System): ?")
"""Speakers of a conversation written as one text, as in Anthropic's hh-rlhf."""
SPEAKERS = {"Human": "user", "User": "user", "Assistant": "assistant", "System": "system"}


def side(row: dict, column: str, speaker: str, roles: dict[str, str] | None = None) -> list[dict]:
    """The content of a column as turns without weights: as ``spoken``, or a transcript."""
    value = cell(row, column)
    written = transcript(value) if isinstance(value, str) else []
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


def transcript(written: str) -> list[dict]:
    """The turns of a conversation written as one text; empty if it does not begin with a speaker."""
    before, *parts = SPEAKER.split(written)
    if before.strip() or len(parts) < 4:
        return []
    turns = zip(parts[::2], parts[1::2])
    return [{"role": SPEAKERS[speaker], "content": content.strip()} for speaker, content in turns]

"""Conversations in a row rewritten as they are written: with their own keys, and beside all other columns."""

import json
from collections.abc import Callable, Collection

from finetune.data.formats.layouts import NESTED, turns_in
from finetune.data.formats.mapping import known_names
from finetune.data.formats.switches import is_switch, is_trained
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import CALL, SPEAKERS, Keys, turn_keys

GAP = "\n\n"
"""What is put between two texts that become one."""


class Rewriting:
    """The turns of one conversation, and what is needed to change them."""

    def __init__(self, written: list[dict], keys: Keys, roles: dict[str, str] | None):
        self.written, self.keys = written, keys
        """The turns, and the keys of their speakers and texts."""
        self._names = known_names(SPEAKERS, roles)

    def role(self, turn: dict) -> str:
        """Who speaks; the name itself if it is unknown."""
        name = turn.get(self.keys.role)
        role = self._names.get(name.strip().lower(), name) if isinstance(name, str) else ""
        return "assistant" if role == CALL else role

    def can_join(self, one: dict, other: dict) -> bool:
        """True if two turns are by one side, hold texts, and are both trained on or both not."""
        are_texts = all(isinstance(turn.get(self.keys.text), str) for turn in (one, other))
        is_call = any(self._names.get(str(turn[self.keys.role]).strip().lower()) == CALL for turn in (one, other))
        return self.role(one) == self.role(other) and are_texts and not is_call and _switch(one) == _switch(other)

    def join(self, *turns: dict) -> dict:
        """One turn with the texts of all, by the speaker of the last of them that is not the system."""
        kept = next((turn for turn in reversed(turns) if self.role(turn) != "system"), turns[0])
        alike = [turn for turn in turns if self.role(turn) == self.role(kept)]
        texts = [turn[self.keys.text] for turn in turns if isinstance(turn.get(self.keys.text), str)]
        whole = {key: value for turn in (*alike, kept) for key, value in turn.items()}
        return {**whole, self.keys.text: GAP.join(text.strip() for text in texts if text.strip())}

    def turn(self, role: str, text: str) -> dict:
        """A new turn, with the speaker's name as the conversation writes it."""
        names = (turn[self.keys.role] for turn in self.written if self.role(turn) == role)
        return {self.keys.role: next(names, role), self.keys.text: text}


Change = Callable[[Rewriting], list[dict]]


def rewritten(
    row: dict, change: Change, roles: dict[str, str] | None = None, only: Collection[str] | None = None
) -> dict | None:
    """``row`` with the conversations in its columns (``only`` these) changed; None if nothing changes."""
    changed = {}
    for column, value in row.items():
        if (only is None or column in only) and (new := _changed(value, change, roles)) is not None:
            changed[column] = new
    return {**row, **changed} if changed else None


def _changed(value: object, change: Change, roles: dict[str, str] | None) -> object:
    """The changed conversation in ``value``, in the same spelling; None if there is none, or nothing changes."""
    found = parsed(value)
    if isinstance(found, dict):
        nested = next((key for key in NESTED if key in found), None)
        inner = _changed(found[nested], change, roles) if nested else None
        new = None if inner is None else {**found, nested: inner}
    else:
        keys = turn_keys(found)
        turns = found if keys else turns_in(found) if isinstance(found, list) else None
        new = change(Rewriting(turns, keys or Keys(), roles)) if turns else None
        new = None if new == turns else new
    return json.dumps(new, ensure_ascii=False) if new is not None and isinstance(value, str) else new


def _switch(turn: dict) -> bool:
    switches = {key: value for key, value in turn.items() if is_switch(key)}
    try:
        return is_trained(switches, "")
    except ValueError:
        return True

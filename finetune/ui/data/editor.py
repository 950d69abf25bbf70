"""Correcting a row by hand: its columns as text that a person can edit, and the way back to values.

A conversation is written as lines that begin with the role; any other value that is not text is written as JSON.
"""

import json
import re

from finetune.errors import DataError

ROLE = re.compile(r"^(system|user|assistant): ?", re.MULTILINE)


def written(value: object) -> str:
    """``value`` as text to edit; ``read`` gives it back."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if _is_conversation(value):
        text = "\n".join(f"{turn['role']}: {turn['content']}" for turn in value)
        if _turns(text) == value:
            return text
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def read(text: str, like: object) -> object:
    """The value of the edited ``text``; ``like`` is the value it had before, or that of another row.

    ``DataError`` says what is wrong with it.
    """
    if like is None or isinstance(like, str):
        return text
    if _is_conversation(like) and ROLE.match(text):
        return _turns(text)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if _is_conversation(like):
            raise DataError(
                "The conversation cannot be read.", "Begin each turn with user:, assistant: or system: on a new line."
            ) from None
        raise DataError(f"This is not valid JSON: line {error.lineno}, character {error.colno}.") from None


def blank(like: object) -> str:
    """The text a new row's box begins with."""
    return "user: \nassistant: " if _is_conversation(like) else ""


def _is_conversation(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(turn, dict) and turn.keys() == {"role", "content"} for turn in value)
        and all(isinstance(part, str) for turn in value for part in turn.values())
    )


def _turns(text: str) -> list[dict]:
    """The turns in ``text``, which begins with a role."""
    _, *parts = ROLE.split(text)
    contents = [part.removesuffix("\n") for part in parts[1:-1:2]] + parts[-1:]
    return [{"role": role, "content": content} for role, content in zip(parts[::2], contents)]

"""The turns of a conversation: read from a row, checked, and put in the roles that chat templates know."""

from finetune.data.formats.format import RowError

ROLES = ("system", "user", "assistant")


def exchange(question: str, answer: str, system: str | None = None) -> dict:
    """The chat example of one question and its answer."""
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": with_system(turns, system)}


def with_system(turns: list[dict], system: str | None) -> list[dict]:
    """``turns`` with ``system`` before them, unless they begin with an instruction of their own."""
    if not system or not system.strip() or turns[0]["role"] == "system":
        return turns
    return [{"role": "system", "content": system}, *turns]


def read_turns(value: object, column: str, role_key: str, text_key: str, roles: dict[str, str]) -> list[dict]:
    """A list of turns as role and content, each with text; ``roles`` maps their roles to ours."""
    if not isinstance(value, list):
        raise RowError(f'Column "{column}" {"is empty" if value is None else "holds no list of turns"}.')
    if not value:
        raise RowError(f'Column "{column}" has no turns.')
    return [_turn(turn, place, role_key, text_key, roles) for place, turn in enumerate(value, 1)]


def has_turns(value: object, role_key: str, text_key: str) -> bool:
    """True if ``value`` is a list whose items have these two keys."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(turn, dict) and role_key in turn and text_key in turn for turn in value)
    )


def check_order(turns: list[dict]) -> None:
    """``RowError`` unless user and assistant take turns, the user first, after at most one instruction."""
    first = 1 if turns[0]["role"] == "system" else 0
    for place, turn in enumerate(turns[first:], first + 1):
        expected = ("user", "assistant")[(place - first - 1) % 2]
        if turn["role"] == expected:
            continue
        if turn["role"] == "system":
            raise RowError(f"Turn {place} is an instruction (system); it can only come first.")
        if place == first + 1:
            raise RowError("It begins with the assistant; the user has to speak first.")
        raise RowError(f"Turns {place - 1} and {place} are both by the {turn['role']}; the two have to take turns.")


def check_chat(turns: list[dict]) -> list[dict]:
    """``turns`` in good order with at least one answer, else ``RowError``."""
    check_order(turns)
    if not any(turn["role"] == "assistant" for turn in turns):
        raise RowError("It has no answer: no turn is by the assistant.")
    return turns


def _turn(turn: object, place: int, role_key: str, text_key: str, roles: dict[str, str]) -> dict:
    if not isinstance(turn, dict) or not isinstance(turn.get(role_key), str):
        raise RowError(f'Turn {place} has no "{role_key}".')
    role = roles.get(turn[role_key].strip().lower())
    if role is None:
        raise RowError(f'Turn {place} has the role "{turn[role_key]}"; system, user and assistant can be learnt from.')
    content = _text(turn.get(text_key), place, role)
    if not content.strip():
        raise RowError(f"Turn {place} ({role}) is empty.")
    return {"role": role, "content": content}


def _text(content: object, place: int, role: str) -> str:
    """The text of a turn; several text parts in a list (OpenAI's shape) are joined."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(
        isinstance(part, dict) and isinstance(part.get("text"), str) for part in content
    ):
        return "".join(part["text"] for part in content)
    raise RowError(f"Turn {place} ({role}) holds something else than text.")

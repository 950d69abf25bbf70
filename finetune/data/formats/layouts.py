"""Layouts of a conversation other than a list of turns with a speaker and a text, as such a list.

{"role": […], "content": […]}                       columns within a row, as ``datasets`` stores a sequence
{"turn_1": {"Human": …, "MOSS": …}, …}              MOSS
{"messages": […]}                                   a conversation within an object
[{"human": …, "assistant": …}, …]                   a question and its answer in each item, with any usual names
[{"is_user": true, "text": …}, …]                   who speaks as a flag
[{"type": "function_call", …}, …]                   items of OpenAI's Responses API
[{"from": …, "value": …}, {"role": …, "content": …}]  keys that differ between turns
["question", "answer", …], [["question", "answer"]] texts in turn, where the column is named like a conversation
"""

from finetune.data.formats.format import plain
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import SPEAKER_KEYS, SPEAKERS, TEXT_KEYS
from finetune.data.formats.written import bare, introduced

ASKED = ("human", "user", "input", "prompt", "question", "query", "instruction", "q", "prompter", "inputs")
ANSWERED = (
    "assistant", "bot", "gpt", "output", "response", "answer", "completion", "moss", "model", "ai", "chatbot",
    "chatgpt", "reply", "a", "target", "outputs",
)  # fmt: skip
FLAGS = ("is_user", "isuser", "from_user", "fromuser", "is_human", "by_user")
NESTED = ("messages", "conversations", "conversation", "turns", "contents", "dialogue", "dialog")
ITEMS = {"function_call": "function_call", "function_call_output": "tool", "reasoning": "assistant"}
"""Types of items of the Responses API that have no role."""


def turns_in(value: object, is_named: bool = False) -> list[dict] | None:
    """The conversation in ``value`` as turns with ``role`` and ``content``; None if it has none of these layouts.

    ``is_named`` if its column is named like a conversation, so that bare texts are turns too.
    """
    value = parsed(value)
    if isinstance(value, dict):
        return _in_object(value, is_named)
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(item, dict) for item in value):
        return _pairs(value) or _flagged(value) or mixed(value)
    if is_named and all(isinstance(item, str) for item in value) and len(value) > 1:
        return introduced(value) or [_said(place % 2, text) for place, text in enumerate(value)]
    if is_named and all(_is_pair(item) for item in value):
        return [_said(place, text) for pair in value for place, text in enumerate(pair)]
    return None


def _in_object(value: dict, is_named: bool) -> list[dict] | None:
    """The conversation in an object: nested, in columns, or numbered."""
    role, text = _key(value, SPEAKER_KEYS), _key(value, TEXT_KEYS)
    columns = (value.get(role), value.get(text))
    if all(isinstance(column, list) for column in columns) and len(columns[0]) == len(columns[1]) > 0:
        others = {key: each for key, each in value.items() if isinstance(each, list) and len(each) == len(columns[0])}
        rows = [dict(zip(others, items)) for items in zip(*others.values())]
        return [{**_without(row, role, text), "role": row[role], "content": row[text]} for row in rows]
    if nested := _key(value, NESTED):
        inner = parsed(value[nested])
        return turns_in(inner, is_named) if isinstance(inner, (list, dict)) else None
    numbered = [key for key in value if plain(key).startswith("turn_") and isinstance(value[key], dict)]
    if numbered and len(numbered) == len(value):
        return _pairs([value[key] for key in sorted(numbered, key=lambda key: (len(key), key))])
    return None


def _pairs(items: list[dict]) -> list[dict] | None:
    """A question and its answer in each item, either of which the last or the first may lack."""
    asked, answered = (_common_key(items, names) for names in (ASKED, ANSWERED))
    if asked is None or answered is None:
        return None
    turns = []
    for item in items:
        system = _key(item, ("system", "instruction") if asked != "instruction" else ("system",))
        others = {key: each for key, each in item.items() if key not in (asked, answered, system)}
        if system and isinstance(item[system], str) and item[system].strip():
            turns.append({"role": "system", "content": item[system]})
        if _has(item, asked):
            turns.append({"role": "user", "content": _unmarked(item[asked])})
        if _has(item, answered):
            turns.append({**others, "role": "assistant", "content": _unmarked(item[answered])})
    return turns or None


def _flagged(items: list[dict]) -> list[dict] | None:
    """Turns whose speaker is a flag: true for the user."""
    flag, text = _common_key(items, FLAGS), _common_key(items, TEXT_KEYS)
    if flag is None or text is None or not all(isinstance(item.get(flag), bool) for item in items):
        return None
    return [{**_without(item, flag, text), **_said(not item[flag], item.get(text))} for item in items]


def nested_in(value: object) -> object:
    """The list of turns in an object such as ``{"messages": […]}``; any other value as it is."""
    key = _key(value, NESTED) if isinstance(value, dict) else None
    inner = parsed(value[key]) if key is not None else None
    return inner if isinstance(inner, list) and inner and all(isinstance(turn, dict) for turn in inner) else value


def has_items(items: list[dict]) -> bool:
    """True if there are items of the Responses API without a speaker."""
    return any(isinstance(item.get("type"), str) and item["type"] in ITEMS for item in items)


def mixed(items: list[dict]) -> list[dict] | None:
    """Turns with known speakers, each with its own keys, and items without a speaker: calls and their results."""
    turns = []
    for item in items:
        kind = ITEMS.get(item.get("type")) if isinstance(item.get("type"), str) else None
        if kind is not None:
            turns.append({"role": kind, "content": [item] if kind != "function_call" else item})
            continue
        role = next((key for key in item if plain(key) in SPEAKER_KEYS and _is_speaker(item[key])), None)
        text = _key({key: each for key, each in item.items() if key != role}, TEXT_KEYS)
        if role is None or text is None and not item.get("tool_calls"):
            return None
        turns.append({**_without(item, role, text), "role": item[role], "content": item.get(text)})
    return _with_thoughts(turns)


def _with_thoughts(turns: list[dict]) -> list[dict]:
    """``turns`` with reasoning that is an item of its own in the answer after it."""
    found, thought = [], []
    for turn in turns:
        is_thought = (
            isinstance(turn["content"], list) and turn["content"][:1] and _type(turn["content"][0]) == "reasoning"
        )
        if is_thought and len(turn["content"]) == 1:
            thought = turn["content"]
            continue
        if thought and turn["role"] in ("assistant", "function_call"):
            turn = _thinking(turn, thought)
            thought = []
        found.append(turn)
    return found


def _thinking(turn: dict, thought: list) -> dict:
    content = turn["content"]
    if turn["role"] == "function_call":
        return {"role": "assistant", "content": [*thought, content]}
    return {**turn, "content": [*thought, *(content if isinstance(content, list) else [content])]}


def _said(is_answer: bool | int, text: object) -> dict:
    return {"role": "assistant" if is_answer else "user", "content": text}


def _unmarked(text: object) -> object:
    """A text without MOSS's markers around it: ``<|Human|>: … <eoh>``."""
    if not isinstance(text, str) or not text.startswith("<|"):
        return text
    name, end, rest = text[2:].partition("|>:")
    return bare(rest) if end and name.lower() in ("human", "moss", "user", "assistant") else text


def _is_pair(item: object) -> bool:
    return isinstance(item, (list, tuple)) and len(item) == 2 and all(isinstance(text, str) for text in item)


def _is_speaker(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower() in SPEAKERS


def _type(item: object) -> object:
    return item.get("type") if isinstance(item, dict) else None


def _has(item: dict, key: str) -> bool:
    return item.get(key) not in (None, "")


def _without(item: dict, *keys: str | None) -> dict:
    return {key: each for key, each in item.items() if key not in keys}


def _key(item: dict, names: tuple[str, ...]) -> str | None:
    """The key of ``item`` with the likeliest of ``names``."""
    by_name = {plain(key): key for key in reversed(list(item)) if isinstance(key, str)}
    return next((by_name[name] for name in names if name in by_name), None)


def _common_key(items: list[dict], names: tuple[str, ...]) -> str | None:
    """The key that the first items have with the likeliest of ``names``, and that most have."""
    found = next((key for item in items[:2] if (key := _key(item, names))), None)
    return found if found is not None and 2 * sum(found in item for item in items) >= len(items) else None

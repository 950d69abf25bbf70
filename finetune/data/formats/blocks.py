"""The content of a turn, however it is written: a text, a list of parts or blocks, or an object.

Text parts (OpenAI, Bedrock, Gemini), thinking (Anthropic), calls of tools and their results as blocks (``tool_use``,
``toolUse``, ``functionCall``, ``tool-call``), and ``{type, value}`` (LLaMA-Factory). An object that is none of these is
text as JSON, as an answer that is data is meant.
"""

import json
from dataclasses import dataclass, field

from finetune.data.formats.format import RowError, plain
from finetune.data.formats.tools import parsed

TEXT, THOUGHT, CALL, RESULT = "text", "thought", "call", "result"
KINDS = {
    **dict.fromkeys(("text", "input_text", "output_text"), TEXT),
    **dict.fromkeys(("thinking", "reasoning", "thought", "think"), THOUGHT),
    **dict.fromkeys(("tool_use", "tool_call", "function_call", "tooluse", "toolcall", "function"), CALL),
    **dict.fromkeys(
        ("tool_result", "tool_response", "function_call_output", "function_response", "toolresult"), RESULT
    ),
}
"""Type of a part -> what it is."""
WRAPPERS = {
    "functionCall": CALL, "function_call": CALL, "toolUse": CALL, "functionResponse": RESULT,
    "function_response": RESULT, "toolResult": RESULT, "reasoningContent": THOUGHT,
}  # fmt: skip
"""Key of a part with an object in it -> what that is."""
MEDIA = ("image", "audio", "video", "file", "document", "refusal")
"""What is in the types of parts that are no text."""
TEXT_KEYS = ("text", "value", "content")
THOUGHT_KEYS = ("thinking", "reasoning", "reasoningText", "summary", *TEXT_KEYS)
RESULT_KEYS = ("content", "response", "result", "output", "value", "text")
RESULT_IDS = ("tool_use_id", "toolUseId", "tool_call_id", "toolCallId", "call_id", "id")


@dataclass
class Content:
    """What a turn holds."""

    text: str = ""
    thought: str = ""
    calls: list[dict] = field(default_factory=list)
    """As written; ``tools.read_calls`` reads them."""
    results: list[dict] = field(default_factory=list)
    """Turns by the tool."""


def content_of(value: object, where: str) -> Content:
    """The content of a turn; ``RowError``, beginning with ``where``, if it holds pictures, sounds or other files."""
    if value is None:
        return Content()
    if isinstance(value, str):
        return Content(value)
    if isinstance(value, dict):
        return _object(value, where)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return Content("".join(value))
    if isinstance(value, list) and all(isinstance(part, (dict, str)) for part in value):
        return _parts(value, where) if any(map(_is_part, value)) else Content(written(value))
    raise _other(where)


def written(value: object) -> str:
    """``value`` as text: itself, or an object or a list as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _object(value: dict, where: str) -> Content:
    if isinstance(value.get("parts"), list):  # Gemini's content, and that of a ChatGPT export
        return content_of(value["parts"], where)
    return _parts([value], where) if _is_part(value) else Content(written(value))


def _parts(parts: list, where: str) -> Content:
    found = Content()
    for part in parts:
        kind, part = (TEXT, {"text": part}) if isinstance(part, str) else _kind(part, where)
        if kind == TEXT:
            found.text += _first(part, TEXT_KEYS, where)
        elif kind == THOUGHT:
            found.thought += _first(part, THOUGHT_KEYS, where)
        elif kind == CALL:
            found.calls.append(parsed(part["value"]) if part.get("value") else part)
        else:
            found.results.append(_result(part))
    return found


def _is_part(part: object) -> bool:
    """True if ``part`` is one of a content, not an object that is data."""
    if not isinstance(part, dict):
        return False
    name = plain(part["type"]) if isinstance(part.get("type"), str) else ""
    if any(isinstance(part.get(key), dict) for key in WRAPPERS) or name in KINDS or any(map(name.count, MEDIA)):
        return True
    return isinstance(part.get("text"), str) and not part.keys() - {"text", "thought", "thoughtSignature"}


def _kind(part: dict, where: str) -> tuple[str, dict]:
    """What a part is, and the object that it holds."""
    for key, kind in WRAPPERS.items():
        if isinstance(part.get(key), dict):
            return kind, part[key]
    if part.get("thought") is True:
        return THOUGHT, part
    kind = KINDS.get(plain(part["type"])) if isinstance(part.get("type"), str) else None
    if kind:
        return kind, part
    if isinstance(part.get("text"), str):
        return TEXT, part
    raise _other(where)


def _first(part: dict, keys: tuple[str, ...], where: str) -> str:
    """The text of a part under the first of ``keys`` that it has, which may nest it once more."""
    for key in keys:
        value = part.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, (dict, list)):
            return _parts(value if isinstance(value, list) else [{**value, "type": "text"}], where).text
    raise _other(where)


def _result(part: dict) -> dict:
    """The turn of a tool with its result."""
    value = next((part[key] for key in RESULT_KEYS if part.get(key) is not None), "")
    if isinstance(value, dict) and value.keys() == {"type", "value"}:  # the AI SDK says what it is
        value = value["value"]
    if isinstance(value, list) and all(isinstance(each, dict) and isinstance(each.get("text"), str) for each in value):
        value = "".join(each["text"] for each in value)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) and value[0].keys() == {"json"}:
        value = value[0]["json"]  # Bedrock
    turn = {"role": "tool", "content": written(value)}
    number = next((part[key] for key in RESULT_IDS if isinstance(part.get(key), str)), None)
    name = next((part[key] for key in ("name", "toolName", "tool_name") if isinstance(part.get(key), str)), None)
    return turn | ({"tool_call_id": number} if number else {}) | ({"name": name} if name else {})


def _other(where: str) -> RowError:
    return RowError(f"{where} holds something other than text.")

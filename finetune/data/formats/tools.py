"""Tools and tool calls of a row, in the schema that chat templates read."""

import json

from finetune.data.formats.format import RowError
from finetune.data.readers.decoder import HALF, Fault, strings_of
from finetune.data.readers.loose import literal


def parsed(value: object) -> object:
    """``value``, or its content if it is a text with a list or an object in it, as JSON or as a Python literal."""
    found = json_in(value)
    if found is not value or not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return found
    try:
        return literal(value)
    except Fault:
        return value


def json_in(value: object) -> object:
    """``value``, or its content as JSON if it is a text with a list or an object in it.

    Invalid JSON stays a text: of a duplicate key one value would be lost, and NaN or a lone surrogate cannot be
    tokenized.
    """
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        found = STRICT.decode(value)
    except (ValueError, RecursionError):
        return value
    has_odd = "\\u" in value and any("\0" in string or HALF.search(string) for string in strings_of(found))
    return value if has_odd else found


SCHEMAS = ("input_schema", "inputSchema")
"""Keys of a tool's parameters at Anthropic and Bedrock."""
NAMES = ("name", "toolName", "tool_name")
ARGUMENTS = ("arguments", "parameters", "args", "input")
IDS = ("id", "call_id", "tool_call_id", "toolCallId", "toolUseId", "tool_use_id")
"""Keys of a call's name, its arguments and its id: OpenAI's, then those of LangChain, Anthropic, Gemini and others."""


def _object(pairs: list[tuple[str, object]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate key")
    return found


def _constant(written: str) -> None:
    raise ValueError(f"{written} is not a JSON value")


STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def read_tools(value: object, column: str) -> list[dict]:
    """The tools in a column as ``{"type": "function", "function": {"name": …}}``; empty if it holds none.

    OpenAI's ``tools`` and ``functions``, Anthropic's, Gemini's and Bedrock's, and any as JSON in a text. ``RowError``
    for a tool without a name.
    """
    tools = parsed(value)
    if tools is None or isinstance(tools, str) and not tools.strip():
        return []
    if isinstance(tools, dict):
        tools = tools["tools"] if isinstance(tools.get("tools"), list) else [tools]
    if not isinstance(tools, list):
        raise RowError(f'Column "{column}" does not hold a list of tools.')
    tools = [each for tool in tools for each in _declared(parsed(tool))]
    return [_tool(tool, place, column) for place, tool in enumerate(tools, 1)]


def has_tools(value: object) -> bool:
    """True if ``value`` is a list with at least one tool in it."""
    try:
        return bool(read_tools(value, ""))
    except RowError:
        return False


def read_calls(value: object, where: str) -> list[dict]:
    """Calls of tools as ``{"type": "function", "function": {"name": …, "arguments": {…}}}``, with their ``id`` if any.

    OpenAI stores the arguments as a JSON string, which most templates would encode once more, so here they are an
    object. ``RowError``, beginning with ``where``, for a call without a name or with arguments of another type.
    """
    calls = parsed(value)
    calls = [calls] if isinstance(calls, dict) else calls
    if not isinstance(calls, list) or not calls:
        raise RowError(f"{where}: the tool call is not an object with a name and arguments.")
    return [_call(parsed(call), where) for call in calls]


def _declared(tool: object) -> list:
    """The tools in one item of a list: Gemini declares several in each."""
    declared = tool.get("functionDeclarations", tool.get("function_declarations")) if isinstance(tool, dict) else None
    return declared if isinstance(declared, list) else [tool]


def _tool(tool: object, place: int, column: str) -> dict:
    function = tool.get("function", tool.get("toolSpec", tool)) if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not _is_name(function.get("name")):
        raise RowError(f'Column "{column}": tool {place} has no name.')
    schema = next((key for key in SCHEMAS if isinstance(function.get(key), dict)), None)
    if schema is None or "parameters" in function:
        return {"type": "function", "function": function}
    given = function[schema]
    parameters = given["json"] if isinstance(given.get("json"), dict) else given  # Bedrock nests it
    others = {key: value for key, value in function.items() if key != schema}
    return {"type": "function", "function": {**others, "parameters": parameters}}


def _call(call: object, where: str) -> dict:
    function = call.get("function", call) if isinstance(call, dict) else None
    name = (
        next((function[key] for key in NAMES if _is_name(function.get(key))), None)
        if isinstance(function, dict)
        else None
    )
    if name is None:
        raise RowError(f"{where}: the tool call has no name.")
    given = next((function[key] for key in ARGUMENTS if function.get(key) is not None), None)
    empty = given is None or isinstance(given, str) and not given.strip()
    arguments = {} if empty else parsed(given)
    if not isinstance(arguments, dict):
        raise RowError(f'{where}: the arguments of the call to "{name}" are not a JSON object.')
    number = next((call[key] for key in IDS if isinstance(call.get(key), str)), None)
    found = {"id": number} if number is not None else {}
    return {**found, "type": "function", "function": {"name": name, "arguments": arguments}}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())

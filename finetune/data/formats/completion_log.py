"""Logs of an API: the request with its messages, and the response with the answer."""

from finetune.data.formats.blocks import content_of
from finetune.data.formats.chat import own_system
from finetune.data.formats.format import SYSTEM, Format, FormatField, RowError, cell, plain
from finetune.data.formats.layouts import turns_in
from finetune.data.formats.tools import parsed, read_tools
from finetune.data.formats.turns import Keys, check_chat, read_turns, turn_keys, with_system

ASKED = ("messages", "contents", "input")
SYSTEMS = ("system", "instructions", "systemInstruction", "system_instruction")


class CompletionLog(Format):
    """Columns ``request`` and ``response``, as OpenAI's two APIs, Anthropic's, Gemini's and Bedrock's exchange them."""

    name = "completion_log"
    title = "Logs of an API"
    kind = "chat"
    order = 22
    fields = (
        FormatField(
            "request",
            "The request: an object with messages, or the messages themselves.",
            ("request", "request_body", "kwargs", "body", "messages", "contents", "input", "prompt"),
        ),
        FormatField(
            "response",
            "The response: an object with choices, candidates, output or content.",
            ("response", "response_body", "completion", "choices", "candidates", "output", "result"),
        ),
        SYSTEM,
    )
    holds = "requests to a model and its responses"

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        response = found.get("response")
        is_log = response and any(_answer_in(parsed(row.get(response)), plain(response)) for row in rows)
        return found if is_log or "response" in mapped else {}

    def example(self, row, columns, system=None, roles=None):
        request, response = (parsed(cell(row, columns[field])) for field in ("request", "response"))
        body = request if isinstance(request, dict) else {"messages": request}
        asked = next((body[key] for key in ASKED if body.get(key)), None)
        answer = _answer_in(response, plain(columns["response"]))
        if asked is None or answer is None:
            which = columns["request" if asked is None else "response"]
            raise RowError(f'Column "{which}" holds no {"messages" if asked is None else "answer"}.')
        turns = [*_turns(asked, columns["request"], roles), *_turns(answer, columns["response"], roles)]
        own = next((content_of(body[key], key).text for key in SYSTEMS if body.get(key)), own_system(row, columns))
        example = {"messages": check_chat(with_system(turns, own or system))}
        tools = read_tools(body.get("tools") or body.get("toolConfig") or body.get("functions"), columns["request"])
        return {**example, "tools": tools} if tools else example


def _turns(value: object, column: str, roles: dict[str, str] | None) -> list[dict]:
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    turns = [value] if isinstance(value, dict) else value
    keys = turn_keys(turns)
    return read_turns(turns if keys else turns_in(turns) or turns, column, keys or Keys(), roles)


def _answer_in(response: object, name: str) -> list[dict] | None:
    """The turns of a response; None if it is none."""
    if isinstance(response, list) and name in ("choices", "candidates"):
        response = {name: response}
    if not isinstance(response, dict):
        return None
    for key, inner in (("choices", "message"), ("candidates", "content")):
        first = response[key][0] if isinstance(response.get(key), list) and response[key] else None
        if isinstance(first, dict) and isinstance(first.get(inner), dict):
            return [first[inner]]
    output = response.get("output")
    if isinstance(output, dict) and isinstance(output.get("message"), dict):  # Bedrock
        return [output["message"]]
    if isinstance(output, list) and turns_in(output):
        return output
    is_message = isinstance(response.get("role"), str) and response.get("content")
    return [response] if is_message and isinstance(response["content"], list) else None

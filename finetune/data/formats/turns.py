"""The turns of a conversation: read from a row, checked, and mapped to the roles that chat templates know."""

from dataclasses import dataclass

from finetune.data.formats.blocks import Content, content_of
from finetune.data.formats.format import RowError
from finetune.data.formats.mapping import known_names
from finetune.data.formats.switches import is_trained
from finetune.data.formats.tools import parsed, read_calls

CALL = "call"
"""The role of a turn that is only a tool call: it becomes the assistant's."""
SPEAKERS = {
    "system": "system",
    "developer": "system",
    "instructor": "system",
    "sys": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "ai assistant": "assistant",
    "ai_assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "ipython": "tool",
    "tool_response": "tool",
    "tool_result": "tool",
    "tool_results": "tool",
    "tool_output": "tool",
    "function_response": "tool",
    "function_result": "tool",
    "function_call": CALL,
    "tool_calls": CALL,
    "tool_call": CALL,
}
"""Names of speakers, in lower case -> their role."""
SPEAKER_KEYS = ("role", "from", "speaker", "author", "sender", "name", "who")
"""Keys of the speaker of a turn, the likeliest first."""
TEXT_KEYS = ("content", "value", "text", "message", "utterance", "body", "parts")
"""Keys of the text of a turn, the likeliest first."""
CALL_SIGNS = (
    "<tool_call", "<functioncall>", "<function_call", "<function=", "[TOOL_CALL", "<|python_tag|>", "<|tool_call",
    "<｜tool▁call", "<invoke", "```tool_call", "Action:",
)  # fmt: skip
"""What shows that an answer calls a tool in its text, which is trained on as it is written."""
REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
"""Keys of the reasoning of a turn beside its text."""


@dataclass(frozen=True)
class Keys:
    """The keys of a turn."""

    role: str = "role"
    text: str = "content"


def exchange(question: str, answer: str, system: str | None = None) -> dict:
    """The chat example of one question and its answer."""
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": with_system(turns, system)}


def with_reasoning(reasoning: str, answer: str) -> str:
    """The answer with its reasoning before it, between the tags that reasoning models use."""
    return f"<think>\n{reasoning.strip()}\n</think>\n\n{answer}" if reasoning.strip() else answer


def with_system(turns: list[dict], system: str | None) -> list[dict]:
    """``turns`` with ``system`` before them, unless they have a system prompt of their own."""
    if not system or not system.strip():
        return turns
    if turns[0]["role"] == "system":
        return turns if turns[0]["content"].strip() else [{"role": "system", "content": system}, *turns[1:]]
    return [{"role": "system", "content": system}, *turns]


def read_turns(value: object, column: str, keys: Keys = Keys(), roles: dict[str, str] | None = None) -> list[dict]:
    """A list of turns, or one as JSON in a text, in the schema that chat templates read.

    Each has ``role`` (system, user, assistant or tool) and ``content``; an assistant's may have ``tool_calls`` and a
    tool's ``tool_call_id`` and ``name``, and an answer that is not trained on has ``weight`` 0. ``roles`` maps speakers
    with other names to roles. ``RowError`` says what is wrong with which turn.
    """
    turns = parsed(value)
    if not isinstance(turns, list):
        raise RowError(f'Column "{column}" {_no_turns(turns)}.')
    if not turns:
        raise RowError(f'Column "{column}" has no turns.')
    names = known_names(SPEAKERS, roles)
    plain = [_plain(turn, keys, names) for turn in turns]
    if None not in plain:
        return plain
    _check_speakers(turns, keys, names)
    return _joined([each for place, turn in enumerate(turns, 1) for each in _turn(turn, place, keys, names)])


def has_turns(value: object, keys: Keys) -> bool:
    """True if ``value`` is a list whose items have these two keys."""
    turns = parsed(value)
    return (
        isinstance(turns, list)
        and bool(turns)
        and all(isinstance(turn, dict) and keys.role in turn and (keys.text in turn or _calls(turn)) for turn in turns)
    )


def turn_keys(value: object) -> Keys | None:
    """The keys of speaker and text in a list of turns, by name or else by content; None if there are none.

    Under another name, the speaker is the key with only known speakers as values, and the text is the longest one.
    """
    turns = parsed(value)
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) and turn for turn in turns):
        return None
    texts = [key for key in turns[0] if all(isinstance(turn.get(key), str) for turn in turns)]
    named = [key for known in SPEAKER_KEYS for key in texts if key.lower() == known]
    known_speakers = [key for key in texts if all(turn[key].strip().lower() in SPEAKERS for turn in turns)]
    role = next(iter(known_speakers or named), None)
    named_texts = [key for known in TEXT_KEYS for key in turns[0] if key.lower() == known and key != role]
    longest = sorted((key for key in texts if key != role), key=lambda key: -sum(len(turn[key]) for turn in turns))
    text = next(iter((named_texts or longest) if role in known_speakers else named_texts), None)
    return Keys(role, text) if role and text else None


def speakers(rows: list[dict], column: str) -> list[str]:
    """The speakers in the conversations of a column, as written, in order of appearance."""
    found: dict[str, None] = {}
    for row in rows:
        keys = turn_keys(row.get(column))
        for turn in parsed(row.get(column)) if keys else ():
            found[turn[keys.role].strip()] = None
    return list(found)


def unweighted(turns: list[dict]) -> list[dict]:
    """``turns`` without weights, for kinds of example that define their trained tokens otherwise."""
    return [{key: value for key, value in turn.items() if key != "weight"} for turn in turns]


def check_order(turns: list[dict]) -> None:
    """``RowError`` unless user and assistant alternate, the user first, after at most one system prompt.

    Tool calls of the assistant are followed by their results, and these by the assistant again.
    """
    first = 1 if turns[0]["role"] == "system" else 0
    before = "system"
    for place, turn in enumerate(turns[first:], first + 1):
        role = turn["role"]
        if role not in _allowed(before, turns[place - 2] if place > 1 else {}, role):
            is_first = place == first + 1
            raise RowError(_disorder(before, role, place, is_first), _fix_of(before, role, is_first))
        before = role


def check_chat(turns: list[dict]) -> list[dict]:
    """``turns`` in a valid order with at least one answer to train on, else ``RowError``."""
    check_order(turns)
    answers = [turn for turn in turns if turn["role"] == "assistant"]
    if not answers:
        raise RowError("It has no answer: no turn is by the assistant.")
    if all("weight" in answer for answer in answers):
        raise RowError("It has no answer to train on: all have weight 0.")
    return turns


def _allowed(before: str, previous: dict, role: str) -> tuple[str, ...]:
    """The roles that ``role`` must be one of after ``previous``, a turn by ``before`` (``system`` at the start)."""
    if before == "assistant":
        return ("user", "tool") if role == "tool" and _calls_tools(previous) else ("user",)
    return {"system": ("user",), "user": ("assistant",), "tool": ("tool", "assistant")}[before]


def _calls_tools(answer: dict) -> bool:
    """True if an answer calls tools, or says so in its text."""
    return bool(answer.get("tool_calls")) or any(sign in (answer.get("content") or "") for sign in CALL_SIGNS)


def _disorder(before: str, role: str, place: int, is_first: bool) -> str:
    """What is wrong with a turn by ``role`` after one by ``before``."""
    if role == "system":
        return f"Turn {place} is a system prompt, which can only come first."
    if is_first:
        return f"It begins with the {role}; the user must come first."
    if role == "tool":
        return f"Turn {place} is a tool result, but turn {place - 1} calls no tool."
    if before == "tool":
        return f"Turn {place} is by the user, but the assistant must answer the tool result first."
    return f"Turns {place - 1} and {place} are both by the {role}; user and assistant must alternate."


def _fix_of(before: str, role: str, is_first: bool) -> str:
    """The type of the fix for a turn by ``role`` after one by ``before``, if there is one."""
    if role == "system":
        return "later_system"
    if is_first:
        return "greeting" if role == "assistant" else ""
    return "join" if role == before else ""


def system_in_question(turns: list[dict]) -> list[dict]:
    """``turns`` with the system prompt at the beginning of the first question, for templates without a place for it."""
    if not turns or turns[0]["role"] != "system":
        return turns
    system, *others = turns
    first = next((place for place, turn in enumerate(others) if turn["role"] == "user"), None)
    if first is None or not system["content"].strip():
        return others if others else turns
    question = {**others[first], "content": f"{system['content'].strip()}\n\n{others[first]['content']}"}
    return [*others[:first], question, *others[first + 1 :]]


def _no_turns(value: object) -> str:
    """What is wrong with a column that should hold turns."""
    if value in (None, ""):
        return "is empty"
    is_json = isinstance(value, str) and value.lstrip().startswith("[")
    return "holds a list of turns in invalid JSON" if is_json else "does not hold a list of turns"


def _plain(turn: object, keys: Keys, names: dict[str, str]) -> dict | None:
    """A turn with only a known speaker and a text, as most are (in a third of the time of ``_turn``); else None."""
    if not isinstance(turn, dict) or len(turn) != 2:
        return None
    name, content = turn.get(keys.role), turn.get(keys.text)
    role = names.get(name) if isinstance(name, str) else None
    if role not in ("user", "assistant") or not isinstance(content, str) or not content.strip():
        return None
    return {"role": role, "content": content}


def _check_speakers(turns: list, keys: Keys, names: dict[str, str]) -> None:
    """``RowError`` that lists the unknown speakers, so that a person can assign their roles."""
    unknown: dict[str, None] = {}
    for place, turn in enumerate(turns, 1):
        name = turn.get(keys.role) if isinstance(turn, dict) else None
        if not isinstance(name, str):
            raise RowError(f'Turn {place} has no "{keys.role}".')
        if name.strip().lower() not in names:
            unknown[name.strip()] = None
    if unknown:
        listed = ", ".join(f'"{name}"' for name in unknown)
        are = "is an unknown speaker" if len(unknown) == 1 else "are unknown speakers"
        raise RowError(f"{listed} {are}; assign their roles (user, assistant).")


def _turn(turn: dict, place: int, keys: Keys, names: dict[str, str]) -> list[dict]:
    """A turn in the schema that chat templates read, after the results of tools that it holds as blocks."""
    role = names[turn[keys.role].strip().lower()]
    where = f"Turn {place} ({'assistant' if role == CALL else role})"
    if role == CALL:
        calls = read_calls(turn.get(keys.text), where)
        return [{"role": "assistant", "content": "", "tool_calls": calls} | _switched(turn, where)]
    content = content_of(turn.get(keys.text), where)
    message = {"role": role, "content": content.text}
    if role == "assistant":
        message |= _answer(turn, content, where)
    elif content.calls or content.thought:
        raise RowError(f"{where} holds a tool call or reasoning, which only the assistant can.")
    if role == "tool":
        message |= {key: turn[key] for key in ("tool_call_id", "name") if isinstance(turn.get(key), str)}
    if content.results and role != "assistant" and not content.text.strip():
        return content.results
    if role in ("user", "assistant") and not message["content"].strip() and "tool_calls" not in message:
        raise RowError(f"{where} is empty.")
    return [*content.results, message]


def _answer(turn: dict, content: Content, where: str) -> dict:
    """What an assistant's turn has beside its text: tool calls, reasoning, and weight 0 if it is not trained on."""
    reasoning = next((turn[key] for key in REASONING_KEYS if isinstance(turn.get(key), str)), content.thought)
    found = {"content": with_reasoning(reasoning, content.text)} if reasoning.strip() else {}
    calls = [*(read_calls(calls, where) if (calls := _calls(turn)) else ()), *_called(content.calls, where)]
    if calls:
        found["tool_calls"] = calls
    return found | _switched(turn, where)


def _called(blocks: list[dict], where: str) -> list[dict]:
    return read_calls(blocks, where) if blocks else []


def _joined(turns: list[dict]) -> list[dict]:
    """``turns`` with a turn that is only calls as part of the answer before it."""
    found: list[dict] = []
    for turn in turns:
        before = found[-1] if found else {}
        is_call = "tool_calls" in turn and not turn["content"].strip() and before.get("role") == "assistant"
        if is_call and before.get("weight") == turn.get("weight"):
            found[-1] = {**before, "tool_calls": [*before.get("tool_calls", ()), *turn["tool_calls"]]}
        else:
            found.append(turn)
    return found


def _switched(turn: dict, where: str) -> dict:
    """``weight`` 0 for an answer that is not trained on."""
    return {} if is_trained(turn, where) else {"weight": 0}


def _calls(turn: dict) -> object:
    """The tool calls of a turn, in OpenAI's current (``tool_calls``) or former (``function_call``) schema."""
    return turn.get("tool_calls") or turn.get("function_call")

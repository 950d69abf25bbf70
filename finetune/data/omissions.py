"""What a chat template leaves out of a conversation: tools, calls, their arguments and results, thoughts, texts.

Found by rendering, not by searching for the conversation's own words, which may stand elsewhere: every part is replaced
by a mark, and a mark that is not rendered belongs to an omitted part, if replacing that part alone changes nothing.
A model trained on such a row would learn an empty answer, or an answer to something it never saw.
"""

from collections.abc import Collection
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from finetune.data.fixes import offering
from finetune.data.templates import apply
from finetune.data.thoughts import THOUGHT, placed
from finetune.errors import DataError

MOST_SHAPES = 10_000
"""Shapes of conversations remembered for each tokenizer."""


@dataclass(frozen=True)
class Part:
    """One part of a conversation."""

    kind: str
    """``tool``, ``parameters``, ``call``, ``arguments``, ``thought`` or ``text``."""
    place: int = 0
    """Of its turn; of a tool, its place among the tools."""
    number: int = 0
    """Of its call, within the turn."""


class _Marks:
    """Replaces parts by marks: all of them, or only one."""

    def __init__(self, only: Part | None = None):
        self.only, self.parts = only, {}

    def __call__(self, part: Part, value):
        if self.only not in (None, part):
            return value
        mark = f"Qv{len(self.parts)}Z"
        self.parts[mark] = part
        return mark


def require_all_rendered(
    tokenizer, messages: list[dict], tools: list[dict] | None, template: str | None, untrained: Collection[int] = ()
) -> None:
    """``DataError`` if ``template`` (None: the tokenizer's own) omits a part of a conversation.

    The thoughts of the turns at ``untrained`` may be omitted, as many templates do on purpose. Conversations of one
    shape are examined once: the same roles and kinds of parts.
    """
    known = _OMITTED.setdefault(tokenizer, {})
    own = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None
    key = own, template, _shape(messages, tools, untrained)
    if key not in known:
        if len(known) >= MOST_SHAPES:
            known.clear()
        known[key] = _omitted(tokenizer, messages, tools, template, untrained)
    if part := known[key]:
        error = DataError(f"This model's chat template omits {_words(part, messages, tools)}", _hint(part, messages))
        is_system = part.kind == "text" and messages[part.place]["role"] == "system"
        raise offering(error, "no_system" if is_system and part.place == 0 else "")


_OMITTED: WeakKeyDictionary = WeakKeyDictionary()
"""Tokenizer -> (its template, the template asked for, the shape of a conversation) -> the part omitted, if any."""


def _shape(messages: list[dict], tools: list[dict] | None, untrained: Collection[int]) -> tuple:
    """All that decides which parts a template renders, and no words."""
    turns = tuple(
        (turn["role"], bool(turn["content"].strip()))
        if len(turn) == 2 and turn["role"] != "assistant"
        else _shape_of(turn, place in untrained)
        for place, turn in enumerate(messages)
    )
    return turns, bool(tools) and (len(tools) > 1, any(_parameters(tool) for tool in tools))


def _shape_of(turn: dict, is_untrained: bool) -> tuple:
    thought = THOUGHT.match(turn["content"])
    calls = tuple((bool(call["function"]["arguments"]), "id" in call) for call in turn.get("tool_calls", ()))
    rest = turn["content"][thought.end() :] if thought else turn["content"]
    return turn["role"], bool(thought), bool(rest.strip()), calls, tuple(sorted(turn)), is_untrained


def _parameters(tool: dict) -> object:
    return (tool["function"].get("parameters") or {}).get("properties")


def _omitted(tokenizer, messages, tools, template, untrained) -> Part | None:
    """The first part that is not rendered."""
    written, marks = _rendered(tokenizer, messages, tools, template, _Marks())
    missing = [part for mark, part in marks.parts.items() if mark not in (written or "")]
    missing = [part for part in missing if part.kind != "thought" or part.place not in untrained]
    if not missing:
        return None
    base, _ = _rendered(tokenizer, messages, tools, template, None)
    for part in missing:
        alone, marks = _rendered(tokenizer, messages, tools, template, _Marks(part))
        if alone is not None and alone == base and not any(mark in alone for mark in marks.parts):
            return part
    return None


def _rendered(tokenizer, messages, tools, template, marks: _Marks | None) -> tuple[str | None, _Marks | None]:
    """The text of the conversation with ``marks``; None if the template refuses it."""
    if marks:
        messages = [_marked(turn, place, marks) for place, turn in enumerate(messages)]
        tools = _marked_tools(tools, marks)
    try:
        turns = placed(tokenizer, messages, template)
        return apply(tokenizer, turns, tools=tools, as_text=True, chat_template=template), marks
    except DataError:
        if marks is None:
            raise
        return None, marks


def _marked(turn: dict, place: int, marks: _Marks) -> dict:
    content, thought = turn["content"], THOUGHT.match(turn["content"]) if turn["role"] == "assistant" else None
    rest = content[thought.end() :] if thought else content
    text = marks(Part("text", place), rest) if rest.strip() else rest
    if thought:
        text = f"<think>\n{marks(Part('thought', place), thought[1].strip())}\n</think>\n\n{text}"
    marked = {**turn, "content": text}
    if calls := turn.get("tool_calls"):
        marked["tool_calls"] = [
            _marked_call(call, Part("call", place, number), marks) for number, call in enumerate(calls)
        ]
    return marked


def _marked_call(call: dict, part: Part, marks: _Marks) -> dict:
    arguments = call["function"]["arguments"]
    name = marks(part, call["function"]["name"])
    mark = marks(Part("arguments", part.place, part.number), None) if arguments else None
    given = {next(iter(arguments)): mark} if mark else arguments
    return {**call, "function": {**call["function"], "name": name, "arguments": given}}


def _marked_tools(tools: list[dict] | None, marks: _Marks) -> list[dict] | None:
    """The tools, the first and the last of them marked."""
    marked = list(tools or ())
    for place in sorted({0, len(marked) - 1}) if marked else ():
        function = dict(marked[place]["function"])
        function["name"] = marks(Part("tool", place), function["name"])
        mark = marks(Part("parameters", place), None) if _parameters(marked[place]) else None
        if mark:
            properties = {mark: {"type": "string", "description": mark}}
            function["parameters"] = {**function["parameters"], "properties": properties, "required": [mark]}
        marked[place] = {**marked[place], "function": function}
    return marked if tools else tools


def _words(part: Part, messages: list[dict], tools: list[dict] | None) -> str:
    """What is omitted, as the end of a sentence."""
    if part.kind in ("tool", "parameters"):
        name = tools[min(part.place, len(tools) - 1)]["function"]["name"]
        return f'tools: it does not render "{name}" in their list{" with its parameters" * (part.kind != "tool")}.'
    turn = messages[part.place]
    if part.kind in ("call", "arguments"):
        name = turn["tool_calls"][part.number]["function"]["name"]
        return f'tools: it does not render the call of "{name}"{" with its arguments" * (part.kind != "call")}.'
    if part.kind == "thought":
        return f"the reasoning of an answer (turn {part.place + 1})."
    if turn["role"] == "tool":
        return f"tools: it does not render their results (turn {part.place + 1})."
    if turn["role"] == "system":
        return "the system prompt."
    beside = "beside a tool call" if turn.get("tool_calls") else f"of a turn by the {turn['role']}"
    return f"the text {beside} (turn {part.place + 1})."


def _hint(part: Part, messages: list[dict]) -> str:
    if part.kind != "thought":
        return "Choose a model whose template renders it, or leave out such rows."
    earlier = " Or leave earlier answers out of the loss (weight 0)." * (part.place < len(messages) - 1)
    return f"Choose a model whose template keeps it, or train on answers without reasoning.{earlier}"

"""One example as the model sees it: a conversation with its trained tokens marked, and the exact text underneath.

Marks differ in underline and weight as well as in color, so nothing depends on seeing color.
"""

import re
from collections.abc import Sequence
from html import escape

Spans = Sequence[tuple[str, bool]]
"""Text in order, each span with whether its tokens are trained."""

MARKER = re.compile(r"&lt;\|.{1,40}?\|&gt;|&lt;/?s&gt;|&lt;(?:start|end)_of_turn&gt;")
"""The usual special tokens between turns, as they look once escaped."""
FEWEST = 12
"""Characters of a truncated message by which it is still recognized."""


def drawn(example: dict, sequences: Sequence[Spans]) -> str:
    """``example`` as turns, with the trained text of ``sequences`` marked: one, chosen and rejected, or pieces."""
    if "chosen" in example:
        return _pair(example, sequences)
    if "completion" in example:
        return _rated(example, sequences[0])
    if "prompt" in example:
        return _prompt(example, sequences[0])
    if "messages" in example:
        body = _turns(example["messages"], sequences[0])
    else:
        body = "".join(_block("text", _marked(spans)) for spans in sequences)
    names = [f"piece {number}" for number in range(1, len(sequences) + 1)] if len(sequences) > 1 else [""]
    exact = [(name, spans, "trained") for name, spans in zip(names, sequences)]
    return _whole(body, [("trained", "trained tokens")], exact)


def _pair(example: dict, sequences: Sequence[Spans]) -> str:
    chosen, rejected = sequences
    prompt = list(example.get("prompt") or [])
    turns = _aligned([*prompt, *example["chosen"]], chosen)
    others = _aligned([*prompt, *example["rejected"]], rejected)
    if turns is None or others is None:
        body = _block("chosen", _marked(chosen)) + _block("rejected", _marked(rejected, "rejected"))
    else:
        body = "".join(_turn(message, spans) for message, spans in turns[: len(prompt)])
        body += "".join(_block("chosen", _marked(spans)) for _, spans in turns[len(prompt) :])
        body += "".join(_block("rejected", _marked(spans, "rejected")) for _, spans in others[len(prompt) :])
    return _whole(
        body,
        [("trained", "chosen: becomes more likely"), ("rejected", "rejected: becomes less likely")],
        [("chosen", chosen, "trained"), ("rejected", rejected, "rejected")],
    )


def _rated(example: dict, spans: Spans) -> str:
    name, key = "trained", "good answer: becomes more likely"
    if not example["label"]:
        name, key = "rejected", "bad answer: becomes less likely"
    turns = _aligned([*(example.get("prompt") or []), *example["completion"]], spans)
    if turns is None:
        body = _block("text", _marked(spans, name))
    else:
        body = "".join(_turn(message, marked, name) for message, marked in turns)
    return _whole(body, [(name, key)], [("", spans, name)])


def _prompt(example: dict, spans: Spans) -> str:
    """A prompt with the result that is expected of its answers, which the model writes in training."""
    body = _turns(example["prompt"], spans)
    if "answer" in example:
        body += _block("expected", escape(str(example["answer"])))
    return _whole(body, [], [("", spans, "trained")])


def _turns(messages: list[dict], spans: Spans) -> str:
    turns = _aligned(messages, spans)
    if turns is None:
        return _block("text", _marked(spans))
    return "".join(_turn(message, marked) for message, marked in turns)


def _aligned(messages: list[dict], spans: Spans) -> list[tuple[dict, list[tuple[str, bool]]]] | None:
    """Each message with its stretch of ``spans``: its content, and the trained special tokens after it.

    None if the template changed a message so that it cannot be found. A truncated message is shorter. A message
    without content, which only calls a tool, is the next trained stretch.
    """
    text = "".join(part for part, _ in spans)
    flags = [trained for part, trained in spans for _ in part]
    found, at = [], 0
    for message in messages:
        content = message.get("content") or ""
        if not isinstance(content, str):
            return None
        content = content.strip()
        if not content:
            start = flags.index(True, at) if True in flags[at:] else at
            end = at = next((n for n in range(start, len(flags)) if not flags[n]), len(flags))
            found.append((message, _runs(text, flags, start, end)))
            continue
        start = text.find(content, at)
        if start < 0:
            start = _truncated(text, content, at)
            if start is None:
                return None
            found.append((message, _runs(text, flags, start, len(text))))
            return found
        end = at = start + len(content)
        while end < len(text) and flags[end] and (end == 0 or flags[end - 1]):
            end += 1
        found.append((message, _runs(text, flags, start, end)))
        at = max(at, end)
    return found


def _truncated(text: str, content: str, at: int) -> int | None:
    """Where a message begins that is truncated at the end of ``text``."""
    start = text.find(content[:FEWEST], at) if len(content) >= FEWEST else -1
    if start >= 0 and content.startswith(text[start:].rstrip("\ufffd")):
        return start
    return None


def _runs(text: str, flags: list[bool], start: int, end: int) -> list[tuple[str, bool]]:
    runs: list[tuple[str, bool]] = []
    for index in range(start, end):
        if runs and runs[-1][1] == flags[index]:
            runs[-1] = (runs[-1][0] + text[index], flags[index])
        else:
            runs.append((text[index], flags[index]))
    return runs


def _turn(message: dict, spans: Spans, name: str = "trained") -> str:
    role = str(message.get("role", ""))
    return _block(role, _marked(spans, name), role)


def _block(label: str, body: str, role: str = "assistant") -> str:
    return f"<div class='turn {escape(role)}'><dt>{escape(label)}</dt><dd>{body}</dd></div>"


def _marked(spans: Spans, name: str = "trained") -> str:
    return "".join(
        f"<mark class='{name}'>{_quiet(text)}</mark>" if trained else _quiet(text) for text, trained in spans
    )


def _quiet(text: str) -> str:
    """``text`` escaped, with the special tokens between turns set smaller."""
    return MARKER.sub(r"<span class='token'>\g<0></span>", escape(text))


def _whole(body: str, legend: list[tuple[str, str]], raw: list[tuple[str, Spans, str]]) -> str:
    keys = "".join(f"<span><mark class='{name}'>marked</mark> {escape(words)}</span>" for name, words in legend)
    exact = "".join(
        (f"<p class='small'>{escape(name)}</p>" if name else "") + f"<pre>{_marked(spans, mark)}</pre>"
        for name, spans, mark in raw
    )
    return (
        f"<dl class='conversation'>{body}</dl><p class='legend'>{keys}</p>"
        f"<details class='exact'><summary>Exactly as the model reads it, with special tokens</summary>{exact}</details>"
    )

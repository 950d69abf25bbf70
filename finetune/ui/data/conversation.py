"""One example as the model sees it: a conversation with the learnt tokens marked, and the exact text underneath.

Marks differ in underline and weight as well as in colour, so nothing depends on seeing colour.
"""

import re
from collections.abc import Sequence
from html import escape

Spans = Sequence[tuple[str, bool]]
"""Text in order, each with whether it is learnt."""

MARKER = re.compile(r"&lt;\|.{1,40}?\|&gt;|&lt;/?s&gt;|&lt;(?:start|end)_of_turn&gt;")
"""The usual markers between turns, as they look once escaped."""

ROLE_WORDS = {"system": "instruction", "user": "user", "assistant": "assistant", "tool": "tool"}


def conversation(example: dict, sequences: Sequence[Spans]) -> str:
    """``example`` as turns, with the learnt text of ``sequences`` (one, or chosen and rejected) marked."""
    if "chosen" in example:
        return _pair(example, sequences)
    if "messages" in example:
        body, legend = _turns(example["messages"], sequences[0]), "what it learns"
    else:
        body, legend = _block("text", _marked(sequences[0])), "what it learns"
    return _whole(body, [("learnt", legend)], [("", sequences[0])])


def _pair(example: dict, sequences: Sequence[Spans]) -> str:
    chosen, rejected = sequences
    prompt = list(example.get("prompt") or [])
    turns = _aligned([*prompt, *example["chosen"]], chosen)
    worse = _aligned([*prompt, *example["rejected"]], rejected)
    if turns is None or worse is None:
        body = _block("better", _marked(chosen)) + _block("worse", _marked(rejected, "avoided"))
    else:
        body = "".join(_turn(message, spans) for message, spans in turns[: len(prompt)])
        body += "".join(_block("better", _marked(spans)) for _, spans in turns[len(prompt) :])
        body += "".join(_block("worse", _marked(spans, "avoided")) for _, spans in worse[len(prompt) :])
    return _whole(
        body,
        [("learnt", "what it learns to prefer"), ("avoided", "what it learns to avoid")],
        [("better", chosen), ("worse", rejected)],
    )


def _turns(messages: list[dict], spans: Spans) -> str:
    turns = _aligned(messages, spans)
    if turns is None:
        return _block("text", _marked(spans))
    return "".join(_turn(message, marked) for message, marked in turns)


def _aligned(messages: list[dict], spans: Spans) -> list[tuple[dict, list[tuple[str, bool]]]] | None:
    """Each message with its stretch of ``spans``: its content, and what is learnt of the markers after it.

    None if the template changed a message so that it cannot be found. A message that was cut off is shorter. One
    without words, which only calls a tool, is what is learnt next.
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
            start = _cut_off(text, content, at)
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


def _cut_off(text: str, content: str, at: int) -> int | None:
    """Where a message begins of which only the first part is left at the end of ``text``."""
    start = text.find(content[:12], at) if len(content) >= 12 else -1
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


def _turn(message: dict, spans: Spans) -> str:
    role = str(message.get("role", ""))
    return _block(ROLE_WORDS.get(role, role), _marked(spans), role)


def _block(label: str, body: str, role: str = "assistant") -> str:
    return f"<div class='turn {escape(role)}'><dt>{escape(label)}</dt><dd>{body}</dd></div>"


def _marked(spans: Spans, name: str = "learnt") -> str:
    return "".join(
        f"<mark class='{name}'>{_quiet(text)}</mark>" if trained else _quiet(text) for text, trained in spans
    )


def _quiet(text: str) -> str:
    """``text`` escaped, with the markers that models put between turns set smaller."""
    return MARKER.sub(r"<span class='token'>\g<0></span>", escape(text))


def _whole(body: str, legend: list[tuple[str, str]], raw: list[tuple[str, Spans]]) -> str:
    keys = "".join(f"<span><mark class='{name}'>marked</mark> {escape(words)}</span>" for name, words in legend)
    exact = "".join(
        (f"<p class='small'>{escape(name)}</p>" if name else "")
        + f"<pre>{_marked(spans, 'avoided' if name == 'worse' else 'trained')}</pre>"
        for name, spans in raw
    )
    return (
        f"<dl class='conversation'>{body}</dl><p class='legend'>{keys}</p>"
        f"<details class='exact'><summary>Exactly as the model reads it</summary>{exact}</details>"
    )

"""Reasoning as a chat template takes it, so that a row begins as the model is asked.

Rows carry reasoning before an answer, between ``<think>`` and ``</think>``. Some templates take it in a field of its
own and would write those tags as letters (gpt-oss, Gemma 4, Qwen 3.8), some as a part of the content. Others open the
thought in the generation prompt (DeepSeek-R1): a row whose answer has none then gets an empty one, as those models
write it themselves.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from finetune.data.templates import apply, marked_template
from finetune.errors import DataError

THOUGHT = re.compile(r"\A\s*<think>(.+?)</think>\s*", re.DOTALL)
"""Reasoning at the beginning of an answer."""
OPENING, CLOSING = "<think>", "</think>"
EMPTY = "<think>\n\n</think>\n\n"
"""A thought without words."""
FIELD = "reasoning_content"
"""The field of a turn in which templates take its reasoning; Transformers also gives it under its other names."""
QUESTION = {"role": "user", "content": "question"}
HIDDEN, SPOKEN = "hidden", "spoken"
"""The reasoning and the answer of a trial."""
Form = Callable[[dict, str, str], dict]
"""From a turn, its reasoning and the rest of its content to the turn as a template takes it."""


def _in_a_field(turn: dict, thought: str, rest: str) -> dict:
    return {**turn, "content": rest, FIELD: thought}


def _in_parts(turn: dict, thought: str, rest: str) -> dict:
    parts = [{"type": "thinking", "thinking": thought}, {"type": "text", "text": rest}]
    return {**turn, "content": parts}


def _as_letters(turn: dict, thought: str, rest: str) -> dict:
    return turn


def parted(answer: str) -> tuple[str, str]:
    """The reasoning at the beginning of a model's ``answer``, and the rest of it.

    A thought may have been opened in the generation prompt, and one that has no end has no rest (yet).
    """
    opened = answer.lstrip().startswith(OPENING)
    if not opened and (CLOSING not in answer or OPENING in answer.partition(CLOSING)[0]):
        return "", answer
    thought, _, rest = answer.partition(CLOSING)
    return thought.lstrip().removeprefix(OPENING).strip(), rest.lstrip()


FORMS: tuple[Form, ...] = (_in_a_field, _in_parts, _as_letters)
"""The ways of writing reasoning, a template's own before letters."""


@dataclass(frozen=True)
class Style:
    """How a template takes reasoning."""

    form: Form
    opens: bool
    """True if the generation prompt opens a thought, so that an answer without one gets an empty one."""
    begins: bool
    """True if rows with reasoning and rows without it begin as the model is asked."""


def placed(tokenizer, messages: list[dict], template: str | None = None) -> list[dict]:
    """``messages`` with the reasoning of answers as ``template`` takes it, by default the tokenizer's own."""
    if not any(turn["role"] == "assistant" for turn in messages):
        return messages
    style = style_of(tokenizer, template)
    return [_placed(turn, style) if turn["role"] == "assistant" else turn for turn in messages]


def style_of(tokenizer, template: str | None = None) -> Style:
    """How ``template``, by default the tokenizer's own, takes reasoning; found by trial, once."""
    known = _STYLES.setdefault(tokenizer, {})
    key = (tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None, template)
    if key not in known:
        known[key] = _style(tokenizer, template)
    return known[key]


def template_of_pairs(tokenizer) -> str | None:
    """The template that renders a prompt with each of its answers: the own one (None) unless only its twin keeps
    reasoning where the model is asked for it.
    """
    if style_of(tokenizer).begins:
        return None
    twin = marked_template(tokenizer)
    return twin if twin and style_of(tokenizer, twin).begins else None


_STYLES: WeakKeyDictionary = WeakKeyDictionary()
"""Tokenizer -> (its template, the template asked for) -> the style."""


def _placed(turn: dict, style: Style) -> dict:
    content = turn.get("content") or ""
    if thought := THOUGHT.match(content):
        return style.form(turn, thought[1].strip(), content[thought.end() :])
    if style.opens and not turn.get("tool_calls") and not content.lstrip().startswith("<think>"):
        return {**turn, "content": EMPTY + content}
    return turn


def _style(tokenizer, template: str | None) -> Style:
    asked = _written(tokenizer, None, [QUESTION], add_generation_prompt=True)
    turn = {"role": "assistant", "content": f"<think>\n{HIDDEN}\n</think>\n\n{SPOKEN}"}
    forms = {form: _written(tokenizer, template, [QUESTION, form(turn, HIDDEN, SPOKEN)]) for form in FORMS}
    kept = [form for form, text in forms.items() if HIDDEN in text and SPOKEN in text and "'thinking'" not in text]
    begun = [form for form in kept if forms[form].startswith(asked)]
    plain, after_empty = (
        _written(tokenizer, template, [QUESTION, {**turn, "content": content}]).startswith(asked)
        for content in (SPOKEN, EMPTY + SPOKEN)
    )
    best = next(iter(begun or kept), _as_letters)
    return Style(best, opens=after_empty and not plain, begins=bool(begun) and (plain or after_empty))


def _written(tokenizer, template: str | None, messages: list[dict], **options) -> str:
    try:
        return apply(tokenizer, messages, as_text=True, chat_template=template, **options)
    except DataError:
        return ""

"""The conversation of a request, as the models are asked it: with the run's system prompt where it brings none."""

from typing import Any

from finetune.inference.question import with_fixes
from finetune.recipe import Recipe
from finetune.serving.refused import Refused

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""Roles of a request -> those of the chat template. ``developer`` is OpenAI's newer name of ``system``."""


def conversation_of(given: Any) -> tuple[dict, ...]:
    """The ``messages`` of a request, each with ``role`` and ``content``; ``Refused`` if they are not valid."""
    if not isinstance(given, list) or not given:
        raise Refused(400, "messages: this is a list with one message or more.", "messages")
    return tuple(_message(each, f"messages[{place}]") for place, each in enumerate(given))


def asked(recipe: Recipe, messages: tuple[dict, ...]) -> list[dict]:
    """``messages`` after the recipe's system prompt, unless they bring one; an empty one stands for none.

    Fixes of every example apply to them, as on the Compare tab. ``Refused`` if nothing is asked.
    """
    brings_one = any(message["role"] == "system" for message in messages)
    first = [] if brings_one or not recipe.data.system else [{"role": "system", "content": recipe.data.system}]
    rest = [message for message in messages if message["role"] != "system" or message["content"]]
    if all(message["role"] == "system" for message in rest):
        raise Refused(400, "messages: none of them is of the user or the assistant.", "messages")
    return with_fixes(recipe, [*first, *rest])


def require_text(text: str, where: str) -> str:
    """``text``; ``Refused`` if it holds half a surrogate, which no tokenizer reads."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused(400, f"{where}: this holds half a character (a lone surrogate).", where) from None
    return text


def _message(given: Any, where: str) -> dict:
    if not isinstance(given, dict):
        raise Refused(400, f"{where}: this is an object with role and content.", where)
    role = given.get("role")
    if not isinstance(role, str) or role not in ROLES:
        known = ", ".join(ROLES)
        raise Refused(400, f"{where}.role: this is one of {known}. Tools are not supported.", f"{where}.role")
    for name, value in given.items():
        if name not in ("role", "content") and value:
            param = f"{where}.{name[:60]}"
            raise Refused(400, f"{param}: this is not supported. Leave it out.", param, "unsupported_value")
    content = f"{where}.content"
    return {"role": ROLES[role], "content": require_text(_content(given.get("content"), content), content)}


def _content(given: Any, where: str) -> str:
    """A text, or the texts of a list of parts, one a line as vLLM joins them."""
    if isinstance(given, str):
        return given
    if not isinstance(given, list) or not given:
        raise Refused(400, f"{where}: this is a text, or a list of parts of type text.", where)
    texts = []
    for place, part in enumerate(given):
        is_text = isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
        if not is_text:
            param = f"{where}[{place}]"
            raise Refused(400, f"{param}: only parts of type text are read here.", param, "unsupported_value")
        texts.append(part["text"])
    return "\n".join(texts)

"""A model's chat template, applied: its text or its tokens, and the template that marks the answers.

A template that omits a conversation's text is refused here, because training on the wrong tokens looks like success.
"""

import re
from weakref import WeakKeyDictionary

from finetune.data.fixes import offering
from finetune.data.formats.turns import system_in_question
from finetune.errors import DataError, first_sentence


class NoTemplateError(DataError):
    """A conversation was given to a model without a chat template; ChatML is a substitute (``with_chatml``)."""


def render(tokenizer, messages: list[dict], **options) -> list[int]:
    return list(apply(tokenizer, messages, **options)["input_ids"])


def apply(tokenizer, messages: list[dict], as_text: bool = False, **options):
    """What ``apply_chat_template`` returns, tokens unless ``as_text``; its errors as a ``DataError``."""
    from jinja2 import TemplateError

    _require_template(tokenizer)
    if not as_text:
        options |= {"return_dict": True, "tokenizer_kwargs": {"verbose": False}}
    try:
        return tokenizer.apply_chat_template(messages, tokenize=not as_text, **options)
    except (TemplateError, TypeError, ValueError) as error:
        refusal = DataError(
            f"This model's chat template refuses the conversation: {first_sentence(error)}",
            "Check the order of the roles, and whether this model takes a system message.",
        )
        if _takes_without_system(tokenizer, messages, options):
            refusal = offering(DataError("This model's chat template takes no system prompt."), "no_system")
        raise refusal from error


def _takes_without_system(tokenizer, messages: list[dict], options: dict) -> bool:
    """True if only the system prompt keeps the template from rendering ``messages``."""
    from jinja2 import TemplateError

    turns = system_in_question(messages)
    try:
        return turns != messages and bool(tokenizer.apply_chat_template(turns, **{**options, "tokenize": False}))
    except (TemplateError, TypeError, ValueError):
        return False


_VERIFIED: WeakKeyDictionary = WeakKeyDictionary()
"""Tokenizer -> its template, once that has rendered a probe completely."""


def _require_template(tokenizer) -> None:
    """``DataError`` unless the tokenizer has a chat template that renders question and answer."""
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise NoTemplateError(
            "This model has no chat template, so it cannot read conversations.",
            'Give it ChatML as its template, choose one made for chat (often called "Instruct" or "it"), or train on '
            "plain text.",
        )
    if _VERIFIED.get(tokenizer) == tokenizer.chat_template:
        return
    probe = [{"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}]
    try:
        written = tokenizer.apply_chat_template(probe, tokenize=False)
    except (TemplateError, TypeError, ValueError):
        return  # the conversation itself will be refused with a better reason
    if "question" not in written or "answer" not in written:
        raise DataError(
            "This model's chat template omits the text of a conversation; it is made for images with text.",
            "Choose a model made for text.",
        )
    _VERIFIED[tokenizer] = tokenizer.chat_template


_MARKED: WeakKeyDictionary = WeakKeyDictionary()
"""Tokenizer -> (its template, the template with markers): finding the second renders several probes."""


def marked_template(tokenizer) -> str | None:
    """The tokenizer's template if it has ``{% generation %}`` markers, else TRL's training variant, else None."""
    own = tokenizer.get_chat_template() if tokenizer.chat_template else ""
    if not own or not tokenizer.is_fast:  # only a fast tokenizer knows which characters a token came from
        return None
    known = _MARKED.get(tokenizer)
    if known is None or known[0] != own:
        marked = own if re.search(r"\{%-?\s*generation\s*-?%\}", own) else _training_variant(tokenizer)
        known = _MARKED[tokenizer] = (own, marked)
    return known[1]


def _training_variant(tokenizer) -> str | None:
    """TRL's training variant of a well-known template, or None if it knows none."""
    from jinja2 import TemplateError
    from trl.chat_template_utils import get_training_chat_template

    try:
        return get_training_chat_template(tokenizer)
    except (TemplateError, TypeError, ValueError):
        return None

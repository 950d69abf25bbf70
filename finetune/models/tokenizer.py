"""The tokenizer of a model."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from finetune.data.tokens import with_chatml
from finetune.errors import ModelError, first_sentence
from finetune.machine.libraries import load_tokenizers
from finetune.machine.rendering import is_known
from finetune.models.files import read_config, text_config
from finetune.models.locate import described
from finetune.models.vocabulary import require_sane_files, require_sane_tokenizer
from finetune.recipe import ModelSettings
from finetune.runs.workspace import Workspace

QUESTION, ANSWER = {"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}
TOOL = {"type": "function", "function": {"name": "add", "description": "", "parameters": {"type": "object"}}}
TRIED = (
    ([QUESTION], None),
    ([{"role": "system", "content": "system"}, QUESTION, ANSWER, QUESTION], [TOOL]),
    ([QUESTION, ANSWER] * 100 + [QUESTION], None),
    ([{"role": "user", "content": "word " * 20_000}], None),
)
"""Conversations and their tools that a chat template must write within its limits before anything is trained."""


def load_tokenizer(settings: ModelSettings, workspace: Workspace):
    """The model's tokenizer.

    Without a padding token, or with one that the model's embedding has no row for, it pads with its end token, or else
    with another token that is no text: the loss mask covers it.
    """
    folder = described(settings, workspace)
    tokenizer = read_tokenizer(folder, settings.id)
    vocabulary = text_config(read_config(folder, settings.id)).get("vocab_size")
    if tokenizer.pad_token_id is None or (vocabulary and tokenizer.pad_token_id >= vocabulary):
        tokenizer.pad_token = tokenizer.eos_token or _no_text(tokenizer)
    if settings.chat_template == "chatml":
        return with_chatml(tokenizer)
    _try_template(tokenizer)
    return tokenizer


def unknown_token(ids: Iterable[int], tokenizer, vocabulary: float) -> str:
    """That one of ``ids`` has no row in the model's embedding of ``vocabulary`` rows, as a sentence; else empty."""
    if (highest := max(ids, default=0)) < vocabulary:
        return ""
    token = tokenizer.convert_ids_to_tokens(highest)
    return f"The tokenizer gives {token!r} the id {highest:,}, and the model knows only {vocabulary:,} tokens."


def _no_text(tokenizer) -> str:
    """A token that no answer is written with: a special one, else the last of the vocabulary, which is the rarest."""
    special = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    return next(special, None) or tokenizer.convert_ids_to_tokens(tokenizer.vocab_size - 1)


def read_tokenizer(folder: Path, name: str):
    """The tokenizer in ``folder``, as it is; ``ModelError`` if it cannot be read."""
    require_sane_files(folder, name)
    require_sane_tokenizer(folder, name)
    load_tokenizers()
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the library behind it raises bare exceptions
        raise ModelError(
            f"The tokenizer of the model {name} cannot be read: {first_sentence(error)}",
            "Download the model again, or choose another one.",
        ) from error


def require_template(folder: Path, name: str) -> None:
    """``ModelError`` if the chat template in ``folder`` takes too long, or too much memory, for one of ``TRIED``."""
    _try_template(read_tokenizer(folder, name))


_tried: set[str] = set()
"""The templates that have written all of ``TRIED``."""


def _try_template(tokenizer) -> None:
    """Have the chat template of ``tokenizer`` write ``TRIED``, if it is not one that ships with us or was tried before.

    That it refuses one is no fault: it is asked again with the rows themselves.
    """
    from jinja2 import TemplateError

    template = str(tokenizer.chat_template or "")
    if not template or template in _tried or is_known(template):
        return
    for messages, tools in TRIED:
        with suppress(TemplateError, TypeError, ValueError):
            tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, add_generation_prompt=True)
    _tried.add(template)

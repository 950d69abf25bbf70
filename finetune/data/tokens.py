"""From an example to the exact tokens a model is trained on, and which of them are learnt.

The page colours these tokens and the trainer receives them: there is one function for both. Conversations are
written by the model's own chat template; a template that cannot say which tokens are the answers is refused
here, because training on the wrong tokens looks like success.
"""

import os
import re
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from finetune.errors import DataError


@dataclass(frozen=True)
class Piece:
    """One token sequence of an example, cut to the length asked for."""

    ids: tuple[int, ...]
    """Token ids, T of them."""
    trained: tuple[bool, ...]
    """T flags: True where the token is learnt."""
    full_length: int
    """Tokens before the cut."""
    name: str = ""
    """``chosen`` or ``rejected`` for a pair of answers, else empty."""

    @property
    def is_truncated(self) -> bool:
        return self.full_length > len(self.ids)

    @property
    def learns(self) -> bool:
        """True if at least one token is learnt."""
        return any(self.trained)

    def labels(self) -> list[int]:
        """The ids where a token is learnt, -100 elsewhere: what the trainer's loss reads."""
        return [token if learnt else -100 for token, learnt in zip(self.ids, self.trained)]


def chat_piece(messages: list[dict], tokenizer, length: int, everything: bool = False) -> Piece:
    """The conversation as the model's chat template writes it; the answers are learnt, each with its end of turn.

    With ``everything``, every token but the first is learnt. ``DataError`` if the model has no chat template, if
    the template refuses the conversation, or if it cannot mark the answers.
    """
    if everything:
        ids = _render(tokenizer, messages)
        return _cut(ids, [True] * len(ids), length)
    marked = _marked_template(tokenizer)
    ids, trained = _by_markers(tokenizer, messages, marked) if marked else _by_prefixes(tokenizer, messages)
    return _cut(ids, trained, length)


def text_piece(text: str, tokenizer, length: int) -> Piece:
    """The text with the end-of-text token after it; every token but the first is learnt."""
    ids = list(tokenizer(text, verbose=False)["input_ids"])
    end = tokenizer.eos_token_id
    if end is not None and ids[-1:] != [end]:
        ids.append(end)
    return _cut(ids, [True] * len(ids), length)


def preference_pieces(example: dict, tokenizer, length: int) -> tuple[Piece, Piece]:
    """The prompt with the chosen and with the rejected answer; the answers are learnt, from one and the same token on.

    An answer starts where the prompt alone and the prompt with either answer part, as in TRL's ``DPOTrainer``.
    """
    prompt = _render(tokenizer, example["prompt"], add_generation_prompt=True)
    chosen = _render(tokenizer, example["prompt"] + example["chosen"])
    rejected = _render(tokenizer, example["prompt"] + example["rejected"])
    start = min(_common_length(prompt, chosen), _common_length(prompt, rejected))
    return tuple(
        _cut(ids, [False] * start + [True] * (len(ids) - start), length, name)
        for name, ids in (("chosen", chosen), ("rejected", rejected))
    )


def spans(piece: Piece, tokenizer) -> list[tuple[str, bool]]:
    """The piece as text in runs of (text, learnt); joined, the texts are ``tokenizer.decode(piece.ids)``.

    A character whose bytes lie in two tokens with different flags goes to the later run.
    """
    ids, trained = list(piece.ids), piece.trained
    whole = tokenizer.decode(ids)
    changes = [i for i in range(1, len(ids)) if trained[i] != trained[i - 1]]
    starts = [0, *(_common_length(tokenizer.decode(ids[:i]), whole) for i in changes), len(whole)]
    flags = [trained[i] for i in (0, *changes)] if ids else []
    runs = [(whole[start:end], flag) for start, end, flag in zip(starts, starts[1:], flags)]
    return [(text, flag) for text, flag in runs if text]


def _cut(ids: list[int], trained: list[bool], length: int, name: str = "") -> Piece:
    """The first ``length`` tokens. The very first is never learnt: nothing stands before it to predict it from."""
    flags = tuple(learnt and place > 0 for place, learnt in enumerate(trained[:length]))
    return Piece(tuple(ids[:length]), flags, len(ids), name)


def _common_length(one, other) -> int:
    return len(os.path.commonprefix((one, other)))


def _by_markers(tokenizer, messages: list[dict], template: str) -> tuple[list[int], list[bool]]:
    """Ids and flags from the template's own ``{% generation %}`` markers."""
    rendered = _apply(tokenizer, messages, chat_template=template, return_assistant_tokens_mask=True)
    ids, trained = list(rendered["input_ids"]), [bool(flag) for flag in rendered["assistant_masks"]]
    end = tokenizer.eos_token_id
    for i in range(1, len(ids)):
        if trained[i - 1] and not trained[i]:
            # The mask stops at the first token of a character that has several, and some templates close their markers
            # before the end-of-turn token: a model that never learns it never stops.
            ends_turn = ids[i] == end and ids[i - 1] != end
            trained[i] = ends_turn or rendered.token_to_chars(i) == rendered.token_to_chars(i - 1)
    return ids, trained


def _by_prefixes(tokenizer, messages: list[dict]) -> tuple[list[int], list[bool]]:
    """Ids and flags from rendering the conversation up to each answer and through it."""
    ids = _render(tokenizer, messages)
    trained = [False] * len(ids)
    for turn, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = _render(tokenizer, messages[:turn], add_generation_prompt=True)
        through = _render(tokenizer, messages[: turn + 1])
        if ids[: len(before)] != before or ids[: len(through)] != through or len(through) <= len(before):
            raise DataError(
                "This model's chat template cannot mark the answers: it writes earlier turns differently once later "
                "ones follow.",
                "Choose another model, or learn from everything instead of the answers only.",
            )
        trained[len(before) : len(through)] = [True] * (len(through) - len(before))
    return ids, trained


def _render(tokenizer, messages: list[dict], **options) -> list[int]:
    return list(_apply(tokenizer, messages, **options)["input_ids"])


def _apply(tokenizer, messages: list[dict], **options):
    """What ``apply_chat_template`` returns; its refusals as a ``DataError``."""
    from jinja2 import TemplateError

    _require_template(tokenizer)
    try:
        return tokenizer.apply_chat_template(
            messages, tokenize=True, return_dict=True, tokenizer_kwargs={"verbose": False}, **options
        )
    except (TemplateError, TypeError, ValueError) as error:
        raise DataError(
            f"This model's chat template refuses the conversation: {error}",
            "Check the order of the roles, and whether this model takes a system message.",
        ) from error


_SOUND: WeakKeyDictionary = WeakKeyDictionary()
"""Tokenizer -> its template, once that was found to write what it is given."""


def _require_template(tokenizer) -> None:
    """``DataError`` unless the tokenizer has a chat template that writes the words of both sides."""
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise DataError(
            "This model has no chat template, so it cannot read conversations.",
            'Choose one made for chat (often called "Instruct" or "it"), or learn from plain text.',
        )
    if _SOUND.get(tokenizer) == tokenizer.chat_template:
        return
    probe = [{"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}]
    try:
        written = tokenizer.apply_chat_template(probe, tokenize=False)
    except (TemplateError, TypeError, ValueError):
        return  # the conversation itself will be refused with a better reason
    if "question" not in written or "answer" not in written:
        raise DataError(
            "This model's chat template leaves out the words of a conversation; it is made for pictures with text.",
            "Choose a model made for text.",
        )
    _SOUND[tokenizer] = tokenizer.chat_template


_MARKED: WeakKeyDictionary = WeakKeyDictionary()
"""Tokenizer -> (its template, the template with markers): finding the second renders several probes."""


def _marked_template(tokenizer) -> str | None:
    """The tokenizer's template if it has ``{% generation %}`` markers, else TRL's marked twin of it, else None."""
    own = tokenizer.get_chat_template() if tokenizer.chat_template else ""
    if not own or not tokenizer.is_fast:  # only a fast tokenizer knows which characters a token came from
        return None
    known = _MARKED.get(tokenizer)
    if known is None or known[0] != own:
        marked = own if re.search(r"\{%-?\s*generation\s*-?%\}", own) else _twin(tokenizer)
        known = _MARKED[tokenizer] = (own, marked)
    return known[1]


def _twin(tokenizer) -> str | None:
    """TRL's training variant of a well-known template, or None if it knows none."""
    from jinja2 import TemplateError
    from trl.chat_template_utils import get_training_chat_template

    try:
        return get_training_chat_template(tokenizer)
    except (TemplateError, TypeError, ValueError):
        return None

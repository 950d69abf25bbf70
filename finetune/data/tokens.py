"""From an example to token ids and their loss mask: the exact sequences a model is trained on.

The page colors these tokens and the trainer receives them: one function makes them for both. Conversations are
rendered by the model's own chat template; a template that cannot mark the assistant's tokens is refused here, because
training on the wrong tokens looks like success.
"""

import copy
import os
from bisect import bisect_right
from dataclasses import dataclass

from finetune.data.omissions import require_all_rendered
from finetune.data.templates import apply, marked_template, render
from finetune.data.thoughts import FIELD, placed, template_of_pairs
from finetune.errors import DataError
from finetune.machine import rendering

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + (eos_token or '<|im_end|>') }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML (OpenAI, 2023) with the answers marked; an answer ends with the token at which generation stops."""
BEGIN = "{{ bos_token }}"
"""What stands before it where a text begins with a token of its own."""
rendering.know(CHATML, BEGIN + CHATML)
OTHERS = ("0", "Z")
"""Two texts that begin with different characters: at least one of them differs from any other text at once."""


@dataclass(frozen=True)
class TokenSequence:
    """One token sequence of an example, truncated to the maximum length."""

    ids: tuple[int, ...]
    """Token ids, T of them."""
    trained: tuple[bool, ...]
    """The loss mask, T flags: True for trained tokens."""
    full_length: int
    """Tokens before truncation."""
    name: str = ""
    """``chosen`` or ``rejected`` for a preference pair, else empty."""

    @property
    def is_truncated(self) -> bool:
        return self.full_length > len(self.ids)

    @property
    def has_trained_tokens(self) -> bool:
        """True if the loss mask has at least one token."""
        return any(self.trained)

    def labels(self) -> list[int]:
        """The ids of trained tokens, -100 elsewhere, as the trainer's loss expects."""
        return [token if trained else -100 for token, trained in zip(self.ids, self.trained)]


def chat_sequence(
    messages: list[dict], tokenizer, length: int, train_all: bool = False, tools: list[dict] | None = None
) -> TokenSequence:
    """The conversation as the model's chat template renders it, trained on the answers with their end-of-turn tokens.

    An answer with ``weight`` 0 is masked. With ``train_all``, all other tokens but the first are trained. ``DataError``
    if the model has no chat template, or if the template refuses the conversation, omits a part of it, or cannot mark
    the answers.
    """
    answers = [turn for turn in messages if turn["role"] == "assistant"]
    left_out = {place for place, turn in enumerate(answers) if turn.get("weight") == 0}
    untrained = {place for place, turn in enumerate(messages) if turn.get("weight") == 0}
    messages = [{key: value for key, value in turn.items() if key != "weight"} for turn in messages]
    template = marked_template(tokenizer)
    messages = _complete(tokenizer, messages, tools, template, untrained)
    if train_all and not left_out:
        ids = render(tokenizer, messages, tools=tools, chat_template=template)
        return _truncated(ids, [True] * len(ids), length)
    ids, turns = _answers(tokenizer, messages, tools, separately=bool(left_out))
    trained = [(train_all or turn is not None) and turn not in left_out for turn in turns]
    return _truncated(ids, trained, length)


def text_sequence(text: str, tokenizer, length: int) -> TokenSequence:
    """The text with the end-of-text token after it, trained on all tokens but the first."""
    ids = list(tokenizer(text, verbose=False)["input_ids"])
    end = tokenizer.eos_token_id
    if end is not None and ids[-1:] != [end]:
        ids.append(end)
    return _truncated(ids, [True] * len(ids), length)


def segments_sequence(segments: list[dict], tokenizer, length: int, train_all: bool = False) -> TokenSequence:
    """The texts of ``segments`` one after another, as they are written; those with a true ``label`` are trained."""
    ids: list[int] = []
    trained: list[bool] = []
    for segment in segments:
        found = tokenizer(segment["text"], add_special_tokens=False, verbose=False)["input_ids"]
        ids += found
        trained += [train_all or segment["label"]] * len(found)
    return _truncated(ids, trained, length)


def preference_sequences(example: dict, tokenizer, length: int) -> tuple[TokenSequence, TokenSequence]:
    """The prompt with the chosen and with the rejected answer, both trained from the same token on.

    An answer starts where the prompt alone and the prompt with either answer diverge, as in TRL's ``DPOTrainer``.
    """
    prompt, chosen, rejected = _continued(example, ("chosen", "rejected"), tokenizer)
    start = min(_common_length(prompt, chosen), _common_length(prompt, rejected))
    return tuple(_from(start, ids, length, name) for name, ids in (("chosen", chosen), ("rejected", rejected)))


def prompt_sequence(prompt: list[dict], tokenizer, length: int, tools: list[dict] | None = None) -> TokenSequence:
    """The prompt with the generation prompt, as the model is asked it; none of its tokens is trained."""
    ids = render(tokenizer, prompt, tools=tools, add_generation_prompt=True)
    return TokenSequence(tuple(ids[:length]), (False,) * len(ids[:length]), len(ids))


def rated_sequence(example: dict, tokenizer, length: int) -> tuple[TokenSequence]:
    """The prompt with the rated answer, trained from the token on where it diverges from the prompt alone."""
    prompt, rated = _continued(example, ("completion",), tokenizer)
    return (_from(_common_length(prompt, rated), rated, length),)


def template_of(tokenizer) -> str:
    """The chat template of the model, to be shown; empty if it has none."""
    return tokenizer.get_chat_template() if tokenizer.chat_template else ""


def with_chatml(tokenizer):
    """A copy of ``tokenizer`` that renders conversations as ChatML, for a base model without a chat template.

    If the vocabulary has no ``<|im_end|>``, the markers are plain text and an answer ends with the model's own
    end-of-text token, so that the model learns to stop. A token that the tokenizer puts before every text also comes
    before a conversation.
    """
    written = copy.deepcopy(tokenizer)
    if "<|im_end|>" in written.get_vocab():
        written.eos_token = "<|im_end|>"
    first = written("a", verbose=False)["input_ids"][:1]
    begins = written.bos_token_id is not None and first == [written.bos_token_id]
    written.chat_template = (BEGIN if begins else "") + CHATML
    return written


def spans(sequence: TokenSequence, tokenizer) -> list[tuple[str, bool]]:
    """The sequence as spans of (text, trained); joined, the texts are ``tokenizer.decode(sequence.ids)``.

    A character whose bytes are in two tokens with different flags belongs to the later span.
    """
    ids, trained = list(sequence.ids), sequence.trained
    whole = tokenizer.decode(ids)
    changes = [i for i in range(1, len(ids)) if trained[i] != trained[i - 1]]
    starts = [0, *(_common_length(tokenizer.decode(ids[:i]), whole) for i in changes), len(whole)]
    flags = [trained[i] for i in (0, *changes)] if ids else []
    runs = [(whole[start:end], flag) for start, end, flag in zip(starts, starts[1:], flags)]
    return [(text, flag) for text, flag in runs if text]


def _truncated(ids: list[int], trained: list[bool], length: int, name: str = "") -> TokenSequence:
    """The first ``length`` tokens. The very first is never trained: there is nothing to predict it from."""
    flags = (False, *trained[1:length]) if ids else ()
    return TokenSequence(tuple(ids[:length]), flags, len(ids), name)


def _from(start: int, ids: list[int], length: int, name: str = "") -> TokenSequence:
    """A sequence that is trained from token ``start`` on."""
    return _truncated(ids, [False] * start + [True] * (len(ids) - start), length, name)


def _continued(example: dict, answers: tuple[str, ...], tokenizer) -> list[list[int]]:
    """Ids of the prompt with the generation prompt, and of the prompt with each of ``answers``."""
    prompt, tools, template = example["prompt"], example.get("tools"), template_of_pairs(tokenizer)
    before = range(len(prompt))
    whole = [_complete(tokenizer, prompt + example[answer], tools, template, before) for answer in answers]
    rendered = [render(tokenizer, messages, tools=tools, chat_template=template) for messages in whole]
    return [render(tokenizer, prompt, tools=tools, add_generation_prompt=True), *rendered]


def _common_length(one, other) -> int:
    return len(os.path.commonprefix((one, other)))


def _answers(tokenizer, messages: list[dict], tools, separately: bool) -> tuple[list[int], list[int | None]]:
    """Ids, and for each the index of the answer that it belongs to, from 0; None for all other tokens.

    Only with ``separately`` are answers distinguished; else any index marks a trained token.
    """
    marked = marked_template(tokenizer)
    if marked:
        ids, trained = _by_markers(tokenizer, messages, tools, marked)
        if not separately:
            return ids, [0 if flag else None for flag in trained]
        starts = [i for i, flag in enumerate(trained) if flag and not (i and trained[i - 1])]
        if len(starts) == sum(turn["role"] == "assistant" for turn in messages):
            return ids, [bisect_right(starts, i) - 1 if flag else None for i, flag in enumerate(trained)]
    return _by_prefixes(tokenizer, messages, tools)


def _by_markers(tokenizer, messages: list[dict], tools, template: str) -> tuple[list[int], list[bool]]:
    """Ids and loss mask from the template's own ``{% generation %}`` markers."""
    rendered = apply(tokenizer, messages, tools=tools, chat_template=template, return_assistant_tokens_mask=True)
    ids, trained = list(rendered["input_ids"]), [bool(flag) for flag in rendered["assistant_masks"]]
    ends = {tokenizer.eos_token_id}
    if messages[-1]["role"] == "assistant" and any(trained):
        # The token after the last answer ends a turn, also where the tokenizer's own end token is another.
        after = len(ids) - trained[::-1].index(True)
        ends |= set(ids[after : after + 1]) & set(tokenizer.added_tokens_decoder)
    for i in range(1, len(ids)):
        if trained[i - 1] and not trained[i]:
            # The mask stops at the first token of a character that has several, and some templates close their markers
            # before the end-of-turn token: a model that is not trained on it never stops.
            ends_turn = ids[i] in ends and ids[i - 1] not in ends
            trained[i] = ends_turn or rendered.token_to_chars(i) == rendered.token_to_chars(i - 1)
    return ids, trained


def _by_prefixes(tokenizer, messages: list[dict], tools) -> tuple[list[int], list[int | None]]:
    """Ids and the answer each belongs to, from rendering the conversation up to each answer and including it."""
    ids = render(tokenizer, messages, tools=tools)
    answers: list[int | None] = [None] * len(ids)
    places = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
    for answer, place in enumerate(places):
        before = render(tokenizer, messages[:place], tools=tools, add_generation_prompt=True)
        through = render(tokenizer, messages[: place + 1], tools=tools)
        if ids[: len(before)] != before or ids[: len(through)] != through or len(through) <= len(before):
            return ids, _by_completion(tokenizer, messages, tools, ids)
        answers[len(before) : len(through)] = [answer] * (len(through) - len(before))
    return ids, answers


def _by_completion(tokenizer, messages: list[dict], tools, ids: list[int]) -> list[int | None]:
    """The only answer, at the end of a conversation: from the first token that depends on it.

    Trained tokens must not depend on the question, else ``DataError``: then the template mixes the two.
    """
    if [message["role"] for message in messages[-2:]] == ["user", "assistant"] and _has_one_answer(messages):
        *before, question, answer = messages
        unlike = {name: value for name, value in answer.items() if name != FIELD}
        start = min(
            _common_length(ids, render(tokenizer, [*before, question, {**unlike, "content": other}], tools=tools))
            for other in OTHERS
        )
        trained = ids[start:]
        asked = [render(tokenizer, [*before, {**question, "content": other}, answer], tools=tools) for other in OTHERS]
        if trained and all(each[-len(trained) :] == trained for each in asked):
            return [None] * start + [0] * len(trained)
    raise DataError(
        "This model's chat template cannot mark the answers: it renders earlier turns differently once later ones "
        "follow.",
        "Choose another model, or train on all tokens instead of the answers only.",
    )


def _has_one_answer(messages: list[dict]) -> bool:
    return sum(message["role"] == "assistant" for message in messages) == 1


def _complete(tokenizer, messages: list[dict], tools, template: str | None, untrained=frozenset()) -> list[dict]:
    """``messages`` with their reasoning as ``template`` takes it (None: the model's own).

    ``DataError`` if the template omits a part of them; the reasoning of the turns at ``untrained`` may be omitted.
    """
    require_all_rendered(tokenizer, messages, tools, template, untrained)
    return placed(tokenizer, messages, template)

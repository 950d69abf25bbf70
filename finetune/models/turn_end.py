"""Where a turn ends: the token that the chat template writes after an answer, so that training teaches it.

A model's own end token need not be that one: Qwen2.5's base models end texts with ``<|endoftext|>`` and, by their
template, turns with ``<|im_end|>``. Compare, the sample answers and what is exported all ask here.
"""

import os

from finetune.data.tokens import chat_sequence
from finetune.errors import DataError

ANSWERS = ("A", "7")
"""Two answers: what is written after both alike does not depend on the answer."""
LONGEST = 100_000
"""Tokens of a short conversation with whatever a template writes around it."""


def turn_end(tokenizer) -> tuple[int, ...]:
    """The token that ends an answer in a conversation's last turn; empty if the rows have none.

    It is the first special or added token after the answer. Line breaks that have tokens of their own do not count.
    """
    written = _after_answer(tokenizer)
    added = tokenizer.added_tokens_decoder
    for token in written or ():
        if token in added and not added[token].content.strip():
            continue
        if token in added or token in tokenizer.all_special_ids:
            return (token,)
    return ()


def end_ids(tokenizer, model) -> set[int]:
    """All tokens at which an answer of ``model`` ends: its own end tokens, the tokenizer's, and the end of a turn."""
    own = model.generation_config.eos_token_id
    own = own if isinstance(own, list) else [own]
    return {token for token in (*own, tokenizer.eos_token_id, *turn_end(tokenizer)) if token is not None}


def turn_end_problem(tokenizer) -> str | None:
    """What is wrong with the end of turns in this model's chat template, in a sentence with its fix; else None."""
    written = _after_answer(tokenizer)
    if written is None or turn_end(tokenizer):
        return None
    text = tokenizer.decode(written).strip()
    what = (
        f'ends an answer with "{text}", which is plain text and no token of its own'
        if text
        else "writes no end-of-turn token after an answer"
    )
    return (
        f"This model's chat template {what}, so the model does not learn where to stop: its answers run on until the "
        "longest answer. Set the chat template to ChatML, or choose another model."
    )


def _after_answer(tokenizer) -> list[int] | None:
    """Ids after the last answer of a row, as it is trained; None if this model cannot be trained on conversations."""
    question = {"role": "user", "content": "question"}
    try:
        rows = [
            chat_sequence([question, {"role": "assistant", "content": answer}], tokenizer, LONGEST)
            for answer in ANSWERS
        ]
    except DataError:
        return None  # the rows themselves will be refused with its reason
    return os.path.commonprefix([row.ids[::-1] for row in rows])[::-1]

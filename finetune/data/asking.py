"""What is asked is what was trained: whether rows begin with the question as the model will be asked it."""

from collections.abc import Callable, Sequence

from finetune.data.templates import apply, marked_template
from finetune.data.thoughts import QUESTION, THOUGHT, style_of
from finetune.data.tokens import TokenSequence
from finetune.errors import DataError

TRIED = 20
"""Rows looked at."""
WHOLE = 1_000_000
"""Tokens: no row is truncated."""


def notes_of_asking(examples: Sequence[dict], tokenizer, sequences: Callable) -> list[tuple[str, str]]:
    """What to note about the first of ``examples``, each as its level and its text.

    ``sequences(example, tokenizer, length)`` gives the sequences that a row is trained as.
    """
    tried = [(example, _asked(example, tokenizer)) for example in examples[:TRIED] if _prompt(example)]
    notes = []
    if style_of(tokenizer, marked_template(tokenizer)).opens and any(map(_is_plain, (each for each, _ in tried))):
        text = apply(tokenizer, [QUESTION], as_text=True, add_generation_prompt=True)
        words = f"This model's chat template opens a thought after each question ({text.split()[-1]}), so answers"
        notes.append(("info", f"{words} without reasoning are trained after an empty one, as the model is asked."))
    otherwise = sum(not _begin(sequences, example, asked, tokenizer) for example, asked in tried if asked)
    if otherwise:
        words = f"{otherwise} of the first {len(tried)} rows do not begin with their question as the chat template"
        notes.append(("warning", f"{words} asks it, so the model is asked otherwise than it was trained."))
    return notes


def _prompt(example: dict) -> list[dict]:
    """The conversation up to the last answer; empty for plain text."""
    if "prompt" in example:
        return example["prompt"]
    messages = example.get("messages", [])
    return messages[:-1] if messages and messages[-1]["role"] == "assistant" else []


def _is_plain(example: dict) -> bool:
    """True if the last answer has no reasoning."""
    answer = (example.get("messages") or example.get("chosen") or example.get("completion") or [{}])[-1]
    return not THOUGHT.match(answer.get("content") or "")


def _asked(example: dict, tokenizer) -> str:
    """The text that the model is asked with; empty where its template refuses it."""
    try:
        return apply(tokenizer, _prompt(example), tools=example.get("tools"), as_text=True, add_generation_prompt=True)
    except DataError:
        return ""


def _begin(sequences: Callable, example: dict, asked: str, tokenizer) -> bool:
    """True if all sequences of ``example`` begin with ``asked``; those that are refused are no matter here."""
    try:
        found: Sequence[TokenSequence] = sequences(example, tokenizer, WHOLE)
    except DataError:
        return True
    expected = tokenizer.decode(tokenizer(asked, add_special_tokens=False)["input_ids"])
    return all(tokenizer.decode(sequence.ids).startswith(expected) for sequence in found)

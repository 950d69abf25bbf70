"""What is asked: a question with its input or context below it, after the turns of an earlier conversation."""

from finetune.data.formats.format import FormatField, RowError, cell, optional_text
from finetune.data.formats.layouts import turns_in
from finetune.data.formats.mapping import Template
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import Keys, check_chat, exchange, read_turns, turn_keys, with_system
from finetune.data.formats.written import transcript, turns_of

CONTEXT = FormatField(
    "context",
    "Input or context of the question, put below it: a text, or a list of documents.",
    (
        "input", "context", "contexts", "documents", "document", "docs", "passages", "passage", "retrieved_documents",
        "retrieved_contexts", "retrieved_docs", "references", "evidence", "background", "support", "article",
        "paragraph", "text",
    ),
    required=False,
)  # fmt: skip
HISTORY = FormatField(
    "history",
    "Earlier turns of the conversation: pairs of question and answer, or turns with role and content.",
    (
        "history", "chat_history", "conversation_history", "dialog_history", "dialogue_history", "message_history",
        "previous_turns", "previous_messages", "past_messages",
    ),
    required=False,
)  # fmt: skip
NO_INPUT = "<noinput>"
"""What generated Alpaca rows contain if there is no input."""
ECHO_ROWS = 20
"""Rows in which a column is compared with the question."""


def about(instruction: str, given: str) -> str:
    """The instruction with its input below it, if there is one."""
    return instruction if given.strip().lower() in ("", NO_INPUT) else f"{instruction}\n\n{given}"


def context(row: dict, columns: dict[str, str], field: str = "context") -> str:
    """The context of a row's question as one text; a list of documents has a blank line between them."""
    column = columns.get(field)
    if not column:
        return ""
    value = parsed(cell(row, column))
    if isinstance(value, (list, dict)):
        documents = (_document(item) for item in (value if isinstance(value, list) else [value]))
        return "\n\n".join(text for text in documents if text)
    return optional_text(row, column)


def with_context(turns: list[dict], given: str) -> list[dict]:
    """``turns`` with the context below the last question of the user."""
    if not given.strip() or not turns or turns[-1]["role"] != "user":
        return turns
    return [*turns[:-1], {**turns[-1], "content": about(turns[-1]["content"], given)}]


def earlier(row: dict, columns: dict[str, str], roles: dict[str, str] | None = None) -> list[dict]:
    """The turns before a row's question; ``RowError`` if its history is neither pairs nor turns."""
    column = columns.get("history")
    if not column:
        return []
    value = parsed(cell(row, column))
    if value is None or isinstance(value, str) and not value.strip() or isinstance(value, list) and not value:
        return []
    if isinstance(value, list) and all(isinstance(pair, (list, tuple)) for pair in value):
        return [turn for pair in value for turn in _pair(pair, column)]
    if isinstance(value, str):
        turns, keys = transcript(value) or turns_of(value), Keys()
    else:
        keys = turn_keys(value)
        turns = value if keys else turns_in(value, is_named=True)
    if not turns:
        raise RowError(f'Column "{column}" does not hold the turns of a conversation.')
    return read_turns(turns, column, keys or Keys(), roles)


def exchange_after(before: list[dict], question: str, answer: str, system: str | None = None) -> dict:
    """The chat example of a question and its answer after the turns ``before``; ``RowError`` for a bad order."""
    example = exchange(question, answer, None if before else system)
    return {"messages": check_chat(with_system([*before, *example["messages"]], system))} if before else example


def without_echo(found: dict[str, str], rows: list[dict], mapped: dict[str, str], asked: str, field: str) -> dict:
    """``found`` without a ``field`` whose column holds the question in the column of ``asked`` as well.

    Such a column is the whole row written out as one text, with its answer.
    """
    column, question = found.get(field), found.get(asked)
    if column is None or field in mapped or question is None or isinstance(question, Template):
        return found
    pairs = [(row.get(column), row.get(question)) for row in rows[:ECHO_ROWS]]
    texts = [pair for pair in pairs if all(isinstance(part, str) and part.strip() for part in pair)]
    is_echo = texts and sum(part.strip() in whole for whole, part in texts) > len(texts) / 2
    return {name: each for name, each in found.items() if name != field} if is_echo else found


def _document(item: object) -> str:
    """One document as a text: its title above its content."""
    if isinstance(item, dict):
        return "\n".join(filter(None, (_document(part) for part in item.values())))
    if isinstance(item, list):
        return " ".join(filter(None, map(_document, item)))
    return item.strip() if isinstance(item, str) else ""


def _pair(pair: list, column: str) -> list[dict]:
    if len(pair) != 2 or not all(isinstance(text, str) and text.strip() for text in pair):
        raise RowError(f'Column "{column}" holds an earlier turn that is no pair of a question and an answer.')
    return [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]

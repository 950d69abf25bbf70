"""An answer as text, whatever it is stored as: true or false, a list of accepted answers, or an object."""

import json

from finetune.data.formats.format import RowError, cell, plain, text
from finetune.data.formats.tools import parsed

SEVERAL = ("answers", "references", "targets", "outputs", "responses", "completions")
"""Names of columns that hold several accepted answers, of which the first is learned."""
TEXT_KEYS = ("text", "value", "answer", "content")
"""Keys of the answer, or the answers, in an object, as in SQuAD and TriviaQA."""


def answer(row: dict, column: str) -> str:
    """The answer in a column; ``RowError`` if there is none.

    True and false are answered with yes and no; an object, or a list of values that belong together, is JSON.
    """
    value = cell(row, column)
    if isinstance(value, bool):
        return "yes" if value else "no"
    value = parsed(value) if plain(column) in SEVERAL else value
    if not isinstance(value, (list, dict)):
        return text(row, column)
    chosen = _chosen(value, plain(column) in SEVERAL)
    if isinstance(chosen, str) and chosen.strip():
        return chosen
    if not chosen:
        raise RowError(f'Column "{column}" holds no answer.')
    return json.dumps(chosen, ensure_ascii=False)


def _chosen(value: object, is_several: bool) -> object:
    """The value to answer with: of several accepted ones the first, of a list with one its only item."""
    if isinstance(value, dict):
        key = next((key for key in TEXT_KEYS if key in value), None) if is_several or "aliases" in value else None
        return value if key is None else _chosen(value[key], True)
    if isinstance(value, list) and value and (is_several or len(value) == 1):
        return _chosen(value[0], is_several)
    return value

"""An answer as text, whatever it is stored as: true or false, a list of accepted answers, or an object."""

from finetune.data.formats.format import RowError, cell, plain
from finetune.data.formats.sides import answer_text
from finetune.data.formats.tools import parsed

SEVERAL = ("answers", "references", "targets", "outputs", "responses", "completions")
"""Names of columns that hold several accepted answers, of which the first is learned."""
TEXT_KEYS = ("text", "value", "answer", "content")
"""Keys of the answer, or the answers, in an object, as in SQuAD and TriviaQA."""


def answer(row: dict, column: str) -> str:
    """The answer in a column; ``RowError`` if there is none.

    True and false are answered with yes and no, of several accepted answers the first is taken, and data is JSON.
    """
    value, is_several = cell(row, column), plain(column) in SEVERAL
    if isinstance(value, bool):
        return "yes" if value else "no"
    value = parsed(value) if is_several else value
    if not isinstance(value, (list, dict)):
        return answer_text(row, column)
    chosen = _chosen(value, is_several)
    if not chosen and chosen != 0:
        raise RowError(f'Column "{column}" holds no answer.')
    return answer_text({column: chosen}, column)


def _chosen(value: object, is_several: bool) -> object:
    """The value to answer with: the first of several, or what an object has as the answer."""
    if isinstance(value, dict):
        key = next((key for key in TEXT_KEYS if key in value), None) if is_several or "aliases" in value else None
        return value if key is None else _chosen(value[key], True)
    return _chosen(value[0], True) if isinstance(value, list) and value and is_several else value

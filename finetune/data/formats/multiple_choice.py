"""Multiple choice: a question, the choices, and which of them is right, by letter, number or text."""

from itertools import takewhile

from finetune.data.formats.format import (
    SYSTEM,
    Format,
    FormatField,
    RowError,
    cell,
    kind_of,
    plain,
    system_prompt,
    text,
)
from finetune.data.formats.mapping import Template
from finetune.data.formats.request import CONTEXT, about, context, without_echo
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import exchange

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BETWEEN = " | "
"""What stands between choices in one text."""
BEFORE = ("", "option_", "option", "choice_", "choice", "op", "answer_", "ending")
"""What the columns of single choices are called before their letter or number."""
KEYS = ("text", "texts", "choices", "options")
"""Keys of the texts in an object of choices, as in ARC."""
LIKELY = 0.95


class MultipleChoice(Format):
    """Columns ``question``, ``choices`` and ``answer``; the choices stand below the question, and a letter answers."""

    name = "multiple_choice"
    title = "Multiple choice"
    kind = "chat"
    order = 45
    is_task = has_labels = True
    fields = (
        FormatField(
            "question", "The question.", ("question", "prompt", "stem", "query", "problem", "instruction", "ctx")
        ),
        FormatField(
            "choices", "The choices: a list of texts, or an object with them.",
            ("choices", "options", "endings", "candidates", "mc_choices"),
        ),
        FormatField(
            "answer",
            "The right choice: its letter, its place from 0, or its text.",
            (
                "answer", "answer_key", "answerkey", "answer_index", "answer_idx", "answer_id", "correct_answer",
                "correct", "correct_option", "correct_index", "correct_choice", "label", "gold", "target", "cop",
            ),
        ),
        CONTEXT,
        SYSTEM,
    )  # fmt: skip
    holds = "questions with choices and the right one"

    def find(self, columns, rows, mapped):
        found = without_echo(super().find(columns, rows, mapped), rows, mapped, "question", "context")
        left = [column for column in columns if column not in found.values()]
        if "choices" not in found and (several := _columns_of_choices(left)):
            found["choices"] = Template(BETWEEN.join(f"{{{column}}}" for column in several))
        return found

    def certainty(self, columns):
        return LIKELY

    def example(self, row, columns, system=None, roles=None):
        choices = _choices(parsed(cell(row, columns["choices"])), columns["choices"])
        asked = about(text(row, columns["question"]), context(row, columns))
        listed = "\n".join(f"{letter}. {choice}" for letter, choice in choices.items())
        answer = _answer(cell(row, columns["answer"]), list(choices.items()), columns["answer"])
        return exchange(f"{asked}\n\n{listed}", answer, system_prompt(row, columns, system))


def _columns_of_choices(columns: list[str]) -> list[str]:
    """The columns that hold one choice each, such as ``A`` to ``D`` or ``option_1`` to ``option_4``."""
    by_name = {plain(column): column for column in reversed(columns)}
    for before in BEFORE:
        for marks in ("abcdefghij", "1234567890", "0123456789"):
            names = list(takewhile(by_name.__contains__, (before + mark for mark in marks)))
            if len(names) > 2 or len(names) == 2 and before:
                return [by_name[name] for name in names]
    return []


def _choices(value: object, column: str) -> dict[str, str]:
    """Letter -> text of each choice; ``RowError`` if there are fewer than two."""
    letters: object = LETTERS
    mark = next((mark for mark in (BETWEEN, "\n") if isinstance(value, str) and mark in value.strip()), None)
    value = value.strip().split(mark) if mark else value
    if isinstance(value, dict):
        key = next((key for key in KEYS if isinstance(value.get(key), list)), None)
        letters, value = (value.get("label") or LETTERS, value[key]) if key else (list(value), list(value.values()))
    texts = [item.get("text") if isinstance(item, dict) else item for item in value] if isinstance(value, list) else []
    if not 2 <= len(texts) <= len(LETTERS) or not all(isinstance(each, (str, int, float)) for each in texts):
        raise RowError(f'Column "{column}" holds {kind_of(value)}, not the texts of several choices.')
    return {str(letter).upper(): str(each).strip() for letter, each in zip(letters, texts)}


def _answer(value: object, choices: list[tuple[str, str]], column: str) -> str:
    """The letter of the right choice, or its text if the row has that; ``RowError`` if it is none of the choices."""
    written = str(value).strip() if value is not None else ""
    letters, texts = [letter for letter, _ in choices], [choice for _, choice in choices]
    if written in texts and not isinstance(value, int):
        return written
    if written.upper().strip("().") in letters:
        return written.upper().strip("().")
    place = int(written) if written.isdigit() else -1
    if 0 <= place < len(letters):
        return letters[place]
    raise RowError(f'Column "{column}" holds "{written[:40]}", which is none of the {len(choices)} choices.')

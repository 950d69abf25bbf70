"""Question and answer: two columns of text; an answer that ends in ``#### 42`` can be checked."""

import re

from finetune.data.formats.answer import SEVERAL, answer
from finetune.data.formats.format import (
    SYSTEM,
    Format,
    FormatField,
    characters,
    plain,
    plain_exchange,
    system_prompt,
    text,
)
from finetune.data.formats.request import CONTEXT, HISTORY, about, context, earlier, exchange_after, without_echo
from finetune.data.formats.tools import parsed

RESULT = re.compile(r"####\s*\$?(-?[\d.,]*\d)\.?\s*\Z")
"""How GSM8K writes the result below the steps of its solution (Cobbe et al. 2021)."""


class QuestionAnswer(Format):
    """Columns ``question`` and ``answer``; where the answer ends in ``#### N``, the example also has ``answer`` N."""

    name = "question_answer"
    title = "Questions and answers"
    kind = "chat"
    order = 50
    fields = (
        FormatField(
            "question",
            "The question.",
            ("question", "q", "problem", "body", "ticket", "email", "customer_message", "user_message"),
        ),
        CONTEXT,
        FormatField(
            "answer",
            "The answer to train on; of several accepted ones, the first.",
            (
                "answer", "a", "response", "reply", "solution", "answers", "expected_answer", "expected_output",
                "correct_answer", "best_answer", "answer_text", "gold_answer", "reference_answer", "final_answer",
                "long_answer",
            ),
        ),
        HISTORY,
        SYSTEM,
    )  # fmt: skip
    holds = "questions and their answers"
    unless = r"####\s*[^\sA-Za-z]"

    def find(self, columns, rows, mapped):
        return without_echo(super().find(columns, rows, mapped), rows, mapped, "question", "context")

    def guess(self, columns, rows, found):
        others = [column for column in columns if column not in found.values() and not _is_json(rows, column)]
        if "answer" not in found or not others:
            return {}
        asked = max(others, key=lambda column: characters(rows, column))
        return {"question": asked} if characters(rows, asked) else {}

    def notes(self, columns, rows):
        values = [row.get(columns["answer"]) for row in rows]
        if any(isinstance(value, bool) for value in values):
            return [f'True and false in "{columns["answer"]}" are answered with yes and no.']
        if plain(columns["answer"]) in SEVERAL:
            return [f'Of the accepted answers in "{columns["answer"]}", the first is learned.']
        return []

    def plain(self, columns, system=None):
        return plain_exchange(columns, "question", "answer", system)

    def example(self, row, columns, system=None, roles=None):
        answered = answer(row, columns["answer"])
        asked = about(text(row, columns["question"]), context(row, columns))
        example = exchange_after(earlier(row, columns, roles), asked, answered, system_prompt(row, columns, system))
        result = result_of(answered)
        return example if result is None else {**example, "answer": result}


def _is_json(rows: list[dict], column: str) -> bool:
    return any(isinstance(parsed(row.get(column)), (list, dict)) for row in rows)


def result_of(answer: str) -> str | None:
    """The number after ``####`` at the end of an answer, without commas as GSM8K compares it; None if there is none."""
    found = RESULT.search(answer)
    return found[1].replace(",", "") if found else None

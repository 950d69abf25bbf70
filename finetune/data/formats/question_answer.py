"""Question and answer: two columns of text; an answer that ends in ``#### 42`` can be checked."""

import re

from finetune.data.formats.format import (
    SYSTEM,
    Format,
    FormatField,
    characters,
    plain_exchange,
    system_prompt,
    text,
)
from finetune.data.formats.request import CONTEXT, HISTORY, about, context, earlier, exchange_after, without_echo
from finetune.data.formats.sides import answer_text

RESULT = re.compile(r"####\s*\$?(-?[\d.,]*\d)\.?\s*\Z")
"""How GSM8K writes the result below the steps of its solution (Cobbe et al. 2021)."""


class QuestionAnswer(Format):
    """Columns ``question`` and ``answer``; where the answer ends in ``#### N``, the example also has ``answer`` N."""

    name = "question_answer"
    title = "Questions and answers"
    kind = "chat"
    order = 50
    fields = (
        FormatField("question", "The question.", ("question", "q", "problem")),
        CONTEXT,
        FormatField("answer", "The answer to train on.", ("answer", "a", "response", "reply", "solution")),
        HISTORY,
        SYSTEM,
    )
    holds = "questions and their answers"
    unless = r"####\s*[^\sA-Za-z]"

    def find(self, columns, rows, mapped):
        return without_echo(super().find(columns, rows, mapped), rows, mapped, "question", "context")

    def guess(self, columns, rows, found):
        others = [column for column in columns if column not in found.values()]
        if "answer" not in found or not others:
            return {}
        asked = max(others, key=lambda column: characters(rows, column))
        return {"question": asked} if characters(rows, asked) else {}

    def plain(self, columns, system=None):
        return plain_exchange(columns, "question", "answer", system)

    def example(self, row, columns, system=None, roles=None):
        answer = answer_text(row, columns["answer"])
        asked = about(text(row, columns["question"]), context(row, columns))
        example = exchange_after(earlier(row, columns, roles), asked, answer, system_prompt(row, columns, system))
        result = result_of(answer)
        return example if result is None else {**example, "answer": result}


def result_of(answer: str) -> str | None:
    """The number after ``####`` at the end of an answer, without commas as GSM8K compares it; None if there is none."""
    found = RESULT.search(answer)
    return found[1].replace(",", "") if found else None

"""Question and answer: two columns of text."""

from finetune.data.formats.format import SYSTEM, Format, Part, instruction, text
from finetune.data.formats.turns import exchange


class QuestionAnswer(Format):
    """Columns ``question`` and ``answer``."""

    name = "question_answer"
    title = "Questions and answers"
    kind = "chat"
    order = 50
    parts = (
        Part("question", "The question.", ("question", "q")),
        Part("answer", "The answer to learn.", ("answer", "a", "response", "reply")),
        SYSTEM,
    )
    holds = "questions and their answers"

    def example(self, row, columns, system=None):
        return exchange(text(row, columns["question"]), text(row, columns["answer"]), instruction(row, columns, system))

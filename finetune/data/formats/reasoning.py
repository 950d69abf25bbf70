"""Reasoning: a question, the thoughts that lead to its answer in a column of their own, and the answer."""

from finetune.data.formats.alpaca import about
from finetune.data.formats.format import SYSTEM, Format, Part, instruction, optional_text, text
from finetune.data.formats.turns import exchange, with_reasoning


class Reasoning(Format):
    """Columns ``question``, ``reasoning`` and ``answer``; the thoughts are learnt before the answer, in ``<think>``."""

    name = "reasoning"
    title = "Questions with reasoning"
    kind = "chat"
    order = 38
    parts = (
        Part("question", "The question.", ("question", "prompt", "problem", "instruction", "input", "query")),
        Part(
            "reasoning",
            "The thoughts that lead to the answer, put before it between <think> and </think>.",
            (
                "reasoning", "thinking", "cot", "chain_of_thought", "complex_cot", "reasoning_content", "thoughts",
                "thought", "rationale",
            ),
        ),
        Part("input", "What the question is about, put below it.", ("input", "context"), required=False),
        Part("answer", "The answer.", ("answer", "response", "output", "completion", "solution", "final_answer")),
        SYSTEM,
    )  # fmt: skip
    holds = "questions, reasoning and answers"

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        if found.get("input") == found.get("question"):
            found.pop("input", None)
        return found

    def example(self, row, columns, system=None, roles=None):
        answer = text(row, columns["answer"])
        reasoned = with_reasoning(optional_text(row, columns["reasoning"]), answer)
        asked = about(text(row, columns["question"]), optional_text(row, columns.get("input")))
        return exchange(asked, reasoned, instruction(row, columns, system))

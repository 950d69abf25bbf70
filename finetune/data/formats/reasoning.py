"""Reasoning: a question, its reasoning (chain of thought) in a column of its own, and the answer."""

from finetune.data.formats.alpaca import about
from finetune.data.formats.format import SYSTEM, Format, FormatField, optional_text, system_prompt, text
from finetune.data.formats.turns import exchange, with_reasoning


class Reasoning(Format):
    """Columns ``question``, ``reasoning`` and ``answer``; trained on the reasoning in ``<think>``, then the answer."""

    name = "reasoning"
    title = "Questions with reasoning"
    kind = "chat"
    order = 38
    fields = (
        FormatField("question", "The question.", ("question", "prompt", "problem", "instruction", "input", "query")),
        FormatField(
            "reasoning",
            "The reasoning, put before the answer between <think> and </think>.",
            (
                "reasoning", "thinking", "cot", "chain_of_thought", "complex_cot", "reasoning_content", "thoughts",
                "thought", "rationale",
            ),
        ),
        FormatField("input", "Input of the question, appended to it.", ("input", "context"), required=False),
        FormatField(
            "answer", "The answer.", ("answer", "response", "output", "completion", "solution", "final_answer")
        ),
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
        return exchange(asked, reasoned, system_prompt(row, columns, system))

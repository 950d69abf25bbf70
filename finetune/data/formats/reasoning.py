"""Reasoning: a question, its reasoning (chain of thought) in a column of its own, and the answer."""

from dataclasses import replace

from finetune.data.formats.format import SYSTEM, Format, FormatField, optional_text, system_prompt, text
from finetune.data.formats.request import CONTEXT, HISTORY, about, context, earlier, exchange_after, without_echo
from finetune.data.formats.sides import answer_text
from finetune.data.formats.turns import with_reasoning


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
        replace(CONTEXT, name="input", help="The input of the question, put below it."),
        FormatField(
            "answer", "The answer.", ("answer", "response", "output", "completion", "solution", "final_answer")
        ),
        HISTORY,
        SYSTEM,
    )  # fmt: skip
    holds = "questions, reasoning and answers"

    def find(self, columns, rows, mapped):
        return without_echo(super().find(columns, rows, mapped), rows, mapped, "question", "input")

    def example(self, row, columns, system=None, roles=None):
        answer = answer_text(row, columns["answer"])
        reasoned = with_reasoning(optional_text(row, columns["reasoning"]), answer)
        asked = about(text(row, columns["question"]), context(row, columns, "input"))
        return exchange_after(earlier(row, columns, roles), asked, reasoned, system_prompt(row, columns, system))

"""Prompt and completion: two columns of text, whatever the field calls them."""

from finetune.data.formats.format import SYSTEM, Format, Part, instruction, text
from finetune.data.formats.turns import exchange


class PromptCompletion(Format):
    """A column of what is asked and a column of what to answer."""

    name = "prompt_completion"
    title = "Prompts and completions"
    kind = "chat"
    order = 60
    parts = (
        Part(
            "prompt",
            "What the model is asked.",
            ("prompt", "instruction", "input", "query", "request", "user", "human", "message", "source"),
        ),
        Part(
            "completion",
            "The answer to learn.",
            ("completion", "response", "output", "reply", "answer", "assistant", "target"),
        ),
        SYSTEM,
    )
    holds = "prompts and their completions"

    def example(self, row, columns, system=None):
        return exchange(
            text(row, columns["prompt"]), text(row, columns["completion"]), instruction(row, columns, system)
        )

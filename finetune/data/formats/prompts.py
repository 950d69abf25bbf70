"""Prompts only: questions without answers to train on, optionally with the expected result."""

from finetune.data.formats.format import SYSTEM, Format, FormatField, RowError, cell, optional_text, system_prompt, text
from finetune.data.formats.turns import check_order, read_turns, turn_keys, with_system

NAMES = ("prompt", "turns", "question", "instruction", "query", "problem", "messages")


class Prompts(Format):
    """A column of questions, of the user's turns, or of conversations that end with the user."""

    name = "prompts"
    title = "Prompts only"
    kind = "prompt"
    order = 95
    fields = (
        FormatField("prompt", "The question, a list of the user's turns, or a conversation up to the answer.", NAMES),
        FormatField(
            "answer",
            "The expected result, by which an answer can be checked.",
            ("ground_truth", "final_answer", "expected", "gold"),
            required=False,
        ),
        SYSTEM,
    )
    holds = "questions"
    weight = 0.1
    refusal = "These rows hold questions but no answers, and training needs answers."

    def is_certain(self, columns, unused):
        """True if no column is left that could hold answers, or one is known to hold the expected results."""
        return not unused or "answer" in columns

    def example(self, row, columns, system=None, roles=None):
        turns = self._turns(row, columns["prompt"], roles)
        example = {"prompt": with_system(turns, system_prompt(row, columns, system))}
        answer = optional_text(row, columns.get("answer"))
        if answer.strip():
            example["answer"] = answer
        others = {name: value for name, value in row.items() if name not in columns.values() and _is_plain(value)}
        return {**example, "columns": others} if others else example

    def _turns(self, row: dict, column: str, roles: dict[str, str] | None) -> list[dict]:
        value = cell(row, column)
        keys = turn_keys(value)
        if keys is None and not isinstance(value, list):
            return [{"role": "user", "content": text(row, column)}]
        if keys is None and value and all(isinstance(turn, str) and turn.strip() for turn in value):
            return [{"role": "user", "content": value[0]}]
        if keys is None:
            raise RowError(f'Column "{column}" does not hold a list of questions.')
        turns = read_turns(value, column, keys, roles)
        check_order(turns)
        if turns[-1]["role"] != "user":
            raise RowError("The conversation does not end with the user.")
        return turns


def _is_plain(value) -> bool:
    """True for a text or a number, which the formula of a reward can read."""
    return isinstance(value, (str, int, float)) and value == value and value != ""

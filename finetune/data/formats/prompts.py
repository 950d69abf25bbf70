"""Prompts only: questions without answers, recognised so that the refusal can say what is missing."""

from finetune.data.formats.format import Format, Part, RowError, text

NAMES = ("prompt", "turns", "question", "instruction", "query")


class Prompts(Format):
    """A column of questions, or of the user's turns."""

    name = "prompts"
    title = "Prompts only"
    kind = "prompt"
    order = 95
    parts = (Part("prompt", "The question, or a list of the user's turns.", NAMES),)
    holds = "questions"
    weight = 0.1
    refusal = "These rows hold questions but no answers, and a model learns from answers."

    def example(self, row, columns, system=None):
        value = row.get(columns["prompt"])
        if not isinstance(value, list):
            return {"prompt": [{"role": "user", "content": text(row, columns["prompt"])}]}
        if not value or not all(isinstance(turn, str) and turn.strip() for turn in value):
            raise RowError(f'Column "{columns["prompt"]}" holds no list of questions.')
        return {"prompt": [{"role": "user", "content": value[0]}]}

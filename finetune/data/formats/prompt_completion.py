"""Prompt and completion: two columns of text or of turns, under any of the usual names."""

import re

from finetune.data.formats.chat import with_real_tools, with_tools
from finetune.data.formats.format import SYSTEM, TOOLS, Format, FormatField, plain, plain_exchange, system_prompt
from finetune.data.formats.request import CONTEXT, HISTORY, context, earlier, with_context, without_echo
from finetune.data.formats.sides import spoken
from finetune.data.formats.turns import check_chat, with_system
from finetune.data.formats.written import Written, asked_of, bare, note_on

ASKING = 0.5
"""Share of texts ending in a question mark from which a column counts as questions."""
HARDLY_ASKING = 0.1
"""Share up to which a column without a name is no column of questions, so that it may hold the answers."""
NAMELESS = re.compile(r"column_\d+")

BESIDE_TEXT = ("prompt", "prompts", "instruction", "instructions")
"""Names of a prompt beside which a column called text holds the completion, as in Cosmopedia."""


class PromptCompletion(Format):
    """A column of prompts and a column of completions, each a text or a list of turns as in TRL.

    Answers within the prompt are not trained on, as in TRL. Two columns of text with other names are recognized with
    low confidence, if one holds questions and the other longer texts, or no questions and neither has a name.
    """

    name = "prompt_completion"
    title = "Prompts and completions"
    kind = "chat"
    order = 60
    fields = (
        FormatField(
            "prompt",
            "What the model is asked.",
            (
                "prompt", "instruction", "input", "query", "request", "user", "human", "message", "source",
                "input_text", "inputs", "prompts", "user_message", "user_prompt", "user_input", "instructions",
                "question", "problem", "src",
            ),
        ),
        FormatField(
            "completion",
            "The answer to train on.",
            (
                "completion", "response", "output", "reply", "answer", "assistant", "target", "expected_output",
                "expected_response", "expected_answer", "output_text", "outputs", "targets", "ai", "bot",
                "gpt", "model_response", "assistant_message", "assistant_response", "bot_response", "ideal", "tgt",
                "text",
            ),
        ),
        CONTEXT,
        HISTORY,
        TOOLS,
        SYSTEM,
    )  # fmt: skip
    holds = "prompts and their completions"

    def find(self, columns, rows, mapped):
        found = with_real_tools(super().find(columns, rows, mapped), rows, mapped)
        found = without_echo(found, rows, mapped, "prompt", "context")
        if "prompt" in found and _are_written(rows, found["prompt"]):
            found["prompt"] = Written(found["prompt"])
        if "completion" in mapped or plain(found.get("completion", "")) != "text":
            return found
        if plain(found.get("prompt", "")) not in BESIDE_TEXT:
            return {field: column for field, column in found.items() if field != "completion"}
        return without_echo(found, rows, mapped, "prompt", "completion")

    def guess(self, columns, rows, found):
        texts = {column: _texts(rows, column) for column in columns if column not in found.values()}
        texts = {column: values for column, values in texts.items() if values}
        if len(texts) != 2 or "prompt" in found or "completion" in found:
            return {}
        question, answer = sorted(texts, key=lambda column: -_asking(texts[column]))
        is_nameless = all(NAMELESS.fullmatch(column) for column in texts)
        is_answer = _mean(texts[answer]) > _mean(texts[question])
        is_answer = is_answer or is_nameless and _asking(texts[answer]) <= HARDLY_ASKING
        if _asking(texts[question]) < ASKING or not is_answer:
            return {}
        return {"prompt": question, "completion": answer}

    def plain(self, columns, system=None):
        return plain_exchange(columns, "prompt", "completion", system)

    def notes(self, columns, rows):
        column = columns["prompt"]
        return [note_on("prompts", column)] if isinstance(column, Written) else []

    def example(self, row, columns, system=None, roles=None):
        prompt, completion = (
            spoken(row, columns[field], speaker, roles)
            for field, speaker in (("prompt", "user"), ("completion", "assistant"))
        )
        if isinstance(columns["prompt"], Written) and (asked := asked_of(prompt[-1]["content"])):
            prompt, completion = asked, [{**turn, "content": bare(turn["content"])} for turn in completion]
        asked = [{**turn, "weight": 0} if turn["role"] == "assistant" else turn for turn in prompt]
        turns = earlier(row, columns, roles) + with_context(asked, context(row, columns)) + completion
        return with_tools(
            {"messages": check_chat(with_system(turns, system_prompt(row, columns, system)))}, row, columns
        )


def _are_written(rows: list[dict], column: str) -> bool:
    """True if most prompts are written out for a model, up to the marker of the answer."""
    texts = [text for row in rows if isinstance(text := row.get(column), str)]
    return bool(texts) and sum(asked_of(text) is not None for text in texts) > len(texts) / 2


def _texts(rows: list[dict], column: str) -> list[str]:
    """The texts of a column; empty if it holds anything but texts of several words."""
    values = [row.get(column) for row in rows if row.get(column) not in (None, "")]
    if not all(isinstance(value, str) for value in values) or not any(" " in value.strip() for value in values):
        return []
    return values


def _asking(values: list[str]) -> float:
    return sum(value.rstrip().endswith(("?", "？", "؟")) for value in values) / len(values)


def _mean(values: list[str]) -> float:
    return sum(map(len, values)) / len(values)

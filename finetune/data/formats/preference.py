"""Preference pairs: a prompt with a chosen and a rejected answer, as texts, as turns, or as two whole conversations."""

import os

from finetune.data.formats.chat import with_real_tools, with_tools
from finetune.data.formats.format import SYSTEM, TOOLS, Format, FormatField, RowError, cell, plain, system_prompt
from finetune.data.formats.request import CONTEXT, HISTORY, context, earlier, with_context, without_echo
from finetune.data.formats.sides import side
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import check_order, with_system
from finetune.data.formats.written import transcript, turns_of

CONVERSATIONS = ("messages", "conversations", "conversation")
"""Names of a column of turns, which may end with the chosen answer."""
CHOSEN = (
    "chosen", "chosen_response", "chosen_messages", "chosen_conversations", "chosen_conversation", "chosen_answer",
    "chosen_output", "chosen_text", "preferred", "preferred_response", "preferred_answer", "preferred_output", "better",
    "better_response", "better_answer", "accepted", "accepted_response", "good", "winning_response", "response_chosen",
    "answer_chosen",
)  # fmt: skip
REJECTED = (
    "rejected", "rejected_response", "rejected_messages", "rejected_conversations", "rejected_conversation",
    "rejected_answer", "rejected_output", "rejected_text", "dispreferred", "dispreferred_response", "non_preferred",
    "non_preferred_response", "non_preferred_output", "worse", "worse_response", "worse_answer", "bad",
    "losing_response", "response_rejected", "answer_rejected",
)  # fmt: skip
LEAST_WORDS, LEAST_ROWS = 2, 0.9
"""From so many words on, in this share of the rows, what two texts begin with alike is their prompt."""
ASKED = 0.8
"""The confidence in that: answers to a question that is lost may begin alike."""


class Continued(str):
    """A column of texts that begin with the prompt, as those of the other column do."""


class Preference(Format):
    """Columns ``prompt``, ``chosen`` and ``rejected``; the prompt may be the common prefix of the other two.

    A conversation beside a rejected answer alone ends with the chosen one; of several rejected answers, each gives a
    pair.
    """

    name = "preference"
    title = "Preference pairs"
    kind = "preference"
    order = 10
    fields = (
        FormatField(
            "prompt",
            "What both answers reply to; optional if they contain the whole conversation.",
            ("prompt", "question", "instruction", "query", *CONVERSATIONS, "input", "text"),
            required=False,
        ),
        FormatField(
            "chosen", "The better answer; optional if the prompt is a conversation that ends with it.", CHOSEN, False
        ),
        FormatField("rejected", "The worse answer.", REJECTED),
        CONTEXT,
        HISTORY,
        TOOLS,
        SYSTEM,
    )
    holds = "a better and a worse answer"

    def find(self, columns, rows, mapped):
        found = with_real_tools(super().find(columns, rows, mapped), rows, mapped)
        if "prompt" not in found and {"chosen", "rejected"} <= found.keys() and _begin_alike(rows, found):
            found["chosen"] = Continued(found["chosen"])
        return without_echo(found, rows, mapped, "prompt", "context")

    def certainty(self, columns):
        return ASKED if isinstance(columns.get("chosen"), Continued) else 1.0

    def notes(self, columns, rows):
        if not isinstance(columns.get("chosen"), Continued):
            return []
        return [f'What the texts in "{columns["chosen"]}" and "{columns["rejected"]}" begin with alike is the prompt.']

    def missing(self, columns):
        ends_with_it = plain(columns.get("prompt", "")) in CONVERSATIONS
        needed = ("rejected",) if ends_with_it else ("chosen", "rejected")
        return [field for field in needed if field not in columns]

    def examples(self, row, columns, system=None, roles=None):
        several = parsed(cell(row, columns["rejected"]))
        if not isinstance(several, list) or len(several) < 2 or not all(isinstance(each, str) for each in several):
            return [self.example(row, columns, system, roles)]
        return [self.example({**row, columns["rejected"]: each}, columns, system, roles) for each in several]

    def example(self, row, columns, system=None, roles=None):
        if isinstance(columns.get("chosen"), Continued) and (start := _start(row, columns)):
            answers = {columns[field]: row[columns[field]][len(start) :] for field in ("chosen", "rejected")}
            plain_columns = {**columns, "prompt": "prompt", "chosen": str(columns["chosen"])}
            return self.example({**row, **answers, "prompt": start}, plain_columns, system, roles)
        is_whole = "prompt" not in columns
        before = [] if is_whole else side(row, columns["prompt"], "user", roles)
        rejected = side(row, columns["rejected"], "assistant", roles, is_whole)
        chosen = side(row, columns["chosen"], "assistant", roles, is_whole) if "chosen" in columns else before
        before = [] if "chosen" not in columns else with_context(before, context(row, columns))
        names = (columns.get("chosen", columns.get("prompt")), columns["rejected"])
        pair = as_pair([*earlier(row, columns, roles), *before], chosen, rejected, names)
        pair["prompt"] = with_system(pair["prompt"], system_prompt(row, columns, system))
        return with_tools(pair, row, columns)


def _begin_alike(rows: list[dict], columns: dict[str, str]) -> bool:
    """True if the better and the worse text of nearly all rows begin with the same words."""
    return sum(bool(_start(row, columns)) for row in rows) >= LEAST_ROWS * len(rows) > 0


def _start(row: dict, columns: dict[str, str]) -> str:
    """The words that the better and the worse text of a row begin with, as TRL's ``extract_prompt`` finds the prompt.

    Empty if they are fewer than ``LEAST_WORDS``, or if one is no text, or a conversation that is written out.
    """
    texts = [row.get(columns[field]) for field in ("chosen", "rejected")]
    if not all(isinstance(each, str) and not _is_conversation(each) for each in texts):
        return ""
    alike = os.path.commonprefix(texts)
    end = max((place for place, character in enumerate(alike) if character.isspace()), default=0)
    return alike[:end].rstrip() if len(alike[:end].split()) >= LEAST_WORDS else ""


def _is_conversation(written: str) -> bool:
    return bool(parsed(written) is not written or transcript(written) or turns_of(written))


def as_pair(before: list[dict], chosen: list[dict], rejected: list[dict], names: tuple[str, str]) -> dict:
    """The example of two answers to ``before``; their common prefix belongs to the prompt.

    ``names`` are their columns, for the reason of a ``RowError``.
    """
    if before and before[-1]["role"] == "assistant" and _same(before[-1:], chosen[-1:]):
        before = before[:-1]
    chosen, rejected = _completed(chosen, rejected), _completed(rejected, chosen)
    shared = _shared(chosen, rejected)
    prefix = chosen[:shared]
    is_within = _same(prefix[-len(before) :], before) or _same(prefix[: len(before)], before)
    prompt = prefix if not before or prefix and is_within else before + prefix
    for name, turns in zip(names, (chosen, rejected)):
        _check_answer(turns[shared:], name)
    if not prompt:
        raise RowError("It has no prompt: the two conversations have no common prefix.")
    check_order(prompt)
    if prompt[-1]["role"] not in ("user", "tool"):
        raise RowError("The prompt does not end with the user.")
    return {"prompt": prompt, "chosen": chosen[shared:], "rejected": rejected[shared:]}


def _completed(turns: list[dict], other: list[dict]) -> list[dict]:
    """``turns``, after those before the last of ``other`` if it is a whole conversation and they are one answer."""
    return [*other[:-1], *turns] if len(turns) == 1 < len(other) and turns[0]["role"] == "assistant" else turns


def _same(some: list[dict], others: list[dict]) -> bool:
    """True if the same speakers say the same, whatever white space is around and in it; a system prompt aside."""
    said = ([(turn["role"], (turn["content"] or "").split()) for turn in turns] for turns in (some, others))
    return next(said) == next(said)


def _shared(chosen: list[dict], rejected: list[dict]) -> int:
    """Length of their common prefix in turns, of which at least one turn of each is excluded."""
    limit = min(len(chosen), len(rejected)) - 1
    return next((i for i in range(limit) if chosen[i] != rejected[i]), limit)


def _check_answer(turns: list[dict], column: str) -> None:
    if len(turns) > 1:
        raise RowError(f'Column "{column}": the two conversations differ before their last answer.')
    if turns[0]["role"] != "assistant":
        raise RowError(f'Column "{column}" does not end with an answer by the assistant.')
    if not turns[0]["content"].strip() and "tool_calls" not in turns[0]:
        raise RowError(f'Column "{column}" ends with an empty answer.')

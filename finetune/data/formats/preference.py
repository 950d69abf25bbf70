"""Preference pairs: a prompt with a chosen and a rejected answer, as texts, as turns, or as two whole conversations."""

from finetune.data.formats.chat import with_real_tools, with_tools
from finetune.data.formats.format import SYSTEM, TOOLS, Format, FormatField, RowError, system_prompt
from finetune.data.formats.sides import side
from finetune.data.formats.turns import check_order, with_system


class Preference(Format):
    """Columns ``prompt``, ``chosen`` and ``rejected``; the prompt may be the common prefix of the other two."""

    name = "preference"
    title = "Preference pairs"
    kind = "preference"
    order = 10
    fields = (
        FormatField(
            "prompt",
            "What both answers reply to; optional if they contain the whole conversation.",
            ("prompt", "question", "instruction", "query", "input"),
            required=False,
        ),
        FormatField(
            "chosen", "The better answer.", ("chosen", "chosen_response", "preferred", "better", "accepted", "good")
        ),
        FormatField(
            "rejected",
            "The worse answer.",
            ("rejected", "rejected_response", "dispreferred", "non_preferred", "worse", "bad"),
        ),
        TOOLS,
        SYSTEM,
    )
    holds = "a better and a worse answer"

    def find(self, columns, rows, mapped):
        return with_real_tools(super().find(columns, rows, mapped), rows, mapped)

    def example(self, row, columns, system=None, roles=None):
        is_whole = "prompt" not in columns
        chosen, rejected = (side(row, columns[field], "assistant", roles, is_whole) for field in ("chosen", "rejected"))
        before = side(row, columns["prompt"], "user", roles) if "prompt" in columns else []
        pair = as_pair(before, chosen, rejected, (columns["chosen"], columns["rejected"]))
        pair["prompt"] = with_system(pair["prompt"], system_prompt(row, columns, system))
        return with_tools(pair, row, columns)


def as_pair(before: list[dict], chosen: list[dict], rejected: list[dict], names: tuple[str, str]) -> dict:
    """The example of two answers to ``before``; their common prefix belongs to the prompt.

    ``names`` are their columns, for the reason of a ``RowError``.
    """
    shared = _shared(chosen, rejected)
    prefix = chosen[:shared]
    prompt = prefix if not before or prefix[-len(before) :] == before else before + prefix
    for name, turns in zip(names, (chosen, rejected)):
        _check_answer(turns[shared:], name)
    if not prompt:
        raise RowError("It has no prompt: the two conversations have no common prefix.")
    check_order(prompt)
    if prompt[-1]["role"] not in ("user", "tool"):
        raise RowError("The prompt does not end with the user.")
    return {"prompt": prompt, "chosen": chosen[shared:], "rejected": rejected[shared:]}


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

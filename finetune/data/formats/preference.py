"""Preference pairs: a prompt with a better and a worse answer, as texts, as turns, or as two whole conversations."""

import re

from finetune.data.formats.chat import ROLES as CHAT_ROLES
from finetune.data.formats.format import SYSTEM, Format, Part, RowError, instruction, text
from finetune.data.formats.sharegpt import ROLES as SHAREGPT_ROLES
from finetune.data.formats.turns import check_order, has_turns, read_turns, with_system

SPEAKER = re.compile(r"(?:\A|\n\n)\s*(Human|User|Assistant|System): ?")
"""How a conversation is written as one text, e.g. in Anthropic's hh-rlhf."""
SPEAKERS = {"Human": "user", "User": "user", "Assistant": "assistant", "System": "system"}


class Preference(Format):
    """Columns ``prompt``, ``chosen`` and ``rejected``; the prompt may be the common beginning of the other two."""

    name = "preference"
    title = "Preference pairs"
    kind = "preference"
    order = 10
    parts = (
        Part(
            "prompt",
            "What both answers reply to; not needed where they hold the whole conversation.",
            ("prompt", "question", "instruction", "query", "input"),
            required=False,
        ),
        Part("chosen", "The better answer.", ("chosen", "chosen_response", "preferred", "better", "accepted", "good")),
        Part(
            "rejected",
            "The worse answer.",
            ("rejected", "rejected_response", "dispreferred", "non_preferred", "worse", "bad"),
        ),
        SYSTEM,
    )
    holds = "a better and a worse answer"

    def example(self, row, columns, system=None):
        chosen, rejected = (_turns(row, columns[part], "assistant") for part in ("chosen", "rejected"))
        shared = _shared(chosen, rejected)
        before = _turns(row, columns["prompt"], "user") if "prompt" in columns else []
        beginning = chosen[:shared]
        prompt = beginning if not before or beginning[-len(before) :] == before else before + beginning
        for part, turns in (("chosen", chosen), ("rejected", rejected)):
            _check_answer(turns[shared:], columns[part])
        if not prompt:
            raise RowError("It has no prompt: the two answers have no beginning in common.")
        check_order(prompt)
        if prompt[-1]["role"] != "user":
            raise RowError("The prompt does not end with the user.")
        return {
            "prompt": with_system(prompt, instruction(row, columns, system)),
            "chosen": chosen[shared:],
            "rejected": rejected[shared:],
        }


def _turns(row: dict, column: str, speaker: str) -> list[dict]:
    """What a column says as turns; a text without speakers is one turn by ``speaker``."""
    value = row.get(column)
    if has_turns(value, "from", "value"):
        return read_turns(value, column, "from", "value", SHAREGPT_ROLES)
    if isinstance(value, list):
        return read_turns(value, column, "role", "content", CHAT_ROLES)
    if isinstance(value, dict):
        return read_turns([value], column, "role", "content", CHAT_ROLES)
    written = text(row, column)
    return _spoken(written) or [{"role": speaker, "content": written}]


def _spoken(written: str) -> list[dict]:
    """The turns of a conversation written as one text, empty if it does not begin with a speaker."""
    before, *parts = SPEAKER.split(written)
    if before.strip() or len(parts) < 4:
        return []
    turns = zip(parts[::2], parts[1::2])
    return [{"role": SPEAKERS[speaker], "content": content.strip()} for speaker, content in turns]


def _shared(chosen: list[dict], rejected: list[dict]) -> int:
    """How many turns both begin with, at least one of each left over."""
    limit = min(len(chosen), len(rejected)) - 1
    return next((i for i in range(limit) if chosen[i] != rejected[i]), limit)


def _check_answer(turns: list[dict], column: str) -> None:
    if len(turns) > 1:
        raise RowError(f'Column "{column}": the two conversations part before their last answer.')
    if turns[0]["role"] != "assistant":
        raise RowError(f'Column "{column}" does not end with an answer by the assistant.')
    if not turns[0]["content"].strip():
        raise RowError(f'Column "{column}" ends with an empty answer.')

"""Pairwise comparisons: a prompt, two answers, and which of them is better."""

import re

from finetune.data.formats.format import SYSTEM, Format, FormatField, RowError, cell, plain, system_prompt
from finetune.data.formats.preference import CONVERSATIONS, as_pair
from finetune.data.formats.request import CONTEXT, HISTORY, context, earlier, with_context, without_echo
from finetune.data.formats.sides import side
from finetune.data.formats.turns import with_system

ANSWERS = ("response", "answer", "completion", "output", "reply", "conversation", "text", "model")
"""What the columns of two answers are called before their letter or number."""
PLACES = (("a", "b"), ("0", "1"), ("1", "2"))
"""The letters or numbers of two answers."""
TIES = ("tie", "both", "neither", "equal", "same", "draw", "none", "bothbad", "tie_bothbad", "both_bad", "both_good")
FIRST, SECOND = ("first", "left", "chosen_a"), ("second", "right", "chosen_b")
NAMED = re.compile(r"(?:.*[^a-z0-9])?(a|b|\d)")
"""A winner that ends with the letter or number of an answer: ``model_a``, ``Response 1``."""


def _names(place: int) -> tuple[str, ...]:
    return tuple(
        name for pair in PLACES for answer in ANSWERS for name in (f"{answer}_{pair[place]}", answer + pair[place])
    )


class Pairwise(Format):
    """Columns ``prompt``, ``response_a``, ``response_b`` and ``winner``; a tie gives no pair."""

    name = "pairwise"
    title = "Compared answers"
    kind = "preference"
    order = 12
    fields = (
        FormatField(
            "prompt", "What both answers reply to.", ("prompt", "question", "instruction", "query", "input"), False
        ),
        FormatField("first", "One answer.", _names(0)),
        FormatField("second", "The other answer.", _names(1)),
        FormatField(
            "winner",
            "Which answer is better: the letter or number of its column, or its name; a tie gives no pair.",
            (
                "winner", "better_response_id", "better_id", "better", "best", "preferred", "preferred_response",
                "preference", "overall_preference", "choice", "judgment", "judgement", "verdict", "label", "chosen",
            ),
        ),
        CONTEXT,
        HISTORY,
        SYSTEM,
    )  # fmt: skip
    holds = "two answers and which of them is better"

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        if "prompt" not in found:
            shared = next((column for column in columns if plain(column) in CONVERSATIONS), None)
            found |= {"prompt": shared} if shared else {}
        return without_echo(found, rows, mapped, "prompt", "context")

    def example(self, row, columns, system=None, roles=None):
        answers = [side(row, columns[field], "assistant", roles) for field in ("first", "second")]
        better = _place(cell(row, columns["winner"]), columns)
        before = side(row, columns["prompt"], "user", roles) if "prompt" in columns else []
        before = earlier(row, columns, roles) + with_context(before, context(row, columns))
        names = (columns["first"], columns["second"])
        pair = as_pair(before, answers[better], answers[1 - better], (names[better], names[1 - better]))
        return {**pair, "prompt": with_system(pair["prompt"], system_prompt(row, columns, system))}


def _place(value: object, columns: dict[str, str]) -> int:
    """0 if the first answer is better, 1 if the second; ``RowError`` for a tie or another value."""
    written = plain(f"{value:g}" if isinstance(value, float) else str(value)) if value is not None else ""
    if not written:
        raise RowError(f'Column "{columns["winner"]}" is empty: it does not say which answer is better.')
    if written in TIES or written.startswith("tie"):
        raise RowError(f'Column "{columns["winner"]}" holds "{value}": neither answer is better.')
    ends = [plain(columns[field])[-1] for field in ("first", "second")]
    for place, names in enumerate((FIRST, SECOND)):
        if written in names or written == plain(columns[("first", "second")[place]]):
            return place
    found = NAMED.fullmatch(written)
    if found and found[1] in ends:
        return ends.index(found[1])
    raise RowError(
        f'Column "{columns["winner"]}" holds "{value}", which names neither "{columns["first"]}" nor '
        f'"{columns["second"]}".'
    )

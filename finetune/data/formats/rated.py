"""Rated answers: a prompt, an answer, and a binary rating, as thumbs or as one of two values."""

from dataclasses import replace

from finetune.data.formats.chat import with_real_tools, with_tools
from finetune.data.formats.format import (
    SYSTEM,
    TOOLS,
    Format,
    FormatField,
    RowError,
    cell,
    kind_of,
    number_in,
    plain,
    system_prompt,
)
from finetune.data.formats.mapping import known_names
from finetune.data.formats.request import CONTEXT, HISTORY, context, earlier, with_context, without_echo
from finetune.data.formats.sides import side
from finetune.data.formats.turns import check_order, with_system

GOOD = (
    "true", "yes", "good", "up", "like", "liked", "positive", "desirable", "upvote", "upvoted", "accepted", "correct",
    "chosen", "thumbsup", "👍",
)  # fmt: skip
BAD = (
    "false", "no", "bad", "down", "dislike", "disliked", "negative", "undesirable", "downvote", "downvoted", "rejected",
    "incorrect", "thumbsdown", "👎",
)  # fmt: skip
RATINGS = {**dict.fromkeys(GOOD, "good"), **dict.fromkeys(BAD, "bad")}
"""Names of ratings, in lower case and without spaces -> their meaning."""
THUMBS = {1.0: "good", 0.0: "bad", -1.0: "bad"}
PAIRS = ({0.0, 1.0}, {-1.0, 1.0})
"""Numbers that are thumbs up and down if a column holds no others."""
MARKS = dict.fromkeys(map(ord, " _-\ufe0f🏻🏼🏽🏾🏿"))
"""Characters removed from a rating before the lookup: spaces, and variants and skin tones of a thumb."""


CONVERSATIONS = ("messages", "conversations", "conversation")
"""Names of a column of turns, which may end with the rated answer."""
FROM = ">="
"""Before the number from which ratings have a meaning: ``{">=4": good}``."""


class Ratings(str):
    """A column of ratings with the meaning of its numbers, which only several rows together reveal."""

    numbers: dict[float, str] | None = None


class Rated(Format):
    """Columns ``prompt``, ``completion`` and ``label``; a scale is accepted only if two of its values are in use."""

    name = "rated"
    title = "Rated answers"
    kind = "rated"
    order = 15
    fields = (
        FormatField(
            "prompt",
            "What the answer replies to, or a conversation that ends with it.",
            ("prompt", "question", "instruction", "query", *CONVERSATIONS, "input"),
        ),
        FormatField(
            "completion",
            "The answer that was rated; optional if a conversation ends with it.",
            ("completion", "response", "output", "answer", "reply"),
            required=False,
        ),
        FormatField(
            "label",
            "Whether the answer is good: true or false, thumbs up or down, 1 or 0.",
            (
                "label", "kto_tag", "rating", "thumbs", "thumb", "thumbs_up", "is_good", "is_desirable", "is_liked",
                "liked", "feedback", "vote", "score", "reward", "is_accepted", "accepted",
                "is_correct", "is_chosen", "is_preferred",
            ),
        ),
        CONTEXT,
        HISTORY,
        TOOLS,
        SYSTEM,
    )  # fmt: skip
    holds = "answers and their ratings"

    def find(self, columns, rows, mapped):
        found = with_real_tools(super().find(columns, rows, mapped), rows, mapped)
        if "label" in found:
            found["label"] = _with_numbers(found["label"], rows)
        return without_echo(found, rows, mapped, "prompt", "context")

    def missing(self, columns):
        is_whole = plain(columns.get("prompt", "")) in CONVERSATIONS
        return super().missing(columns) + ([] if "completion" in columns or is_whole else ["completion"])

    def recognize(self, columns, rows, mapped=None, roles=None):
        seen = super().recognize(columns, rows, mapped, roles)
        numbers = getattr(seen.columns["label"], "numbers", None) if seen else None
        if not numbers or roles or seen.score == 0:
            return seen
        low, high = (f"{number:g}" for number in sorted(numbers))
        return replace(seen, reason=f"{seen.reason} {high} counts as good and {low} as bad.")

    def example(self, row, columns, system=None, roles=None):
        before, answer = self._exchange(row, columns, roles)
        before = earlier(row, columns, roles) + with_context(before, context(row, columns))
        check_order(before + answer)
        label = _label(cell(row, columns["label"]), columns["label"], roles)
        prompt = with_system(before, system_prompt(row, columns, system))
        return with_tools({"prompt": prompt, "completion": answer, "label": label}, row, columns)

    def _exchange(self, row: dict, columns: dict[str, str], roles: dict | None) -> tuple[list[dict], list[dict]]:
        """The turns up to the rated answer, and that answer."""
        turns = side(row, columns["prompt"], "user", roles)
        answer = side(row, columns["completion"], "assistant", roles) if "completion" in columns else turns[-1:]
        if len(answer) > 1 or answer[0]["role"] != "assistant":
            column = columns.get("completion", columns["prompt"])
            raise RowError(f'Column "{column}" holds no answer by the assistant, or more than one answer.')
        ends_with_it = turns[-1]["role"] == "assistant" and turns[-1]["content"].strip() == answer[0]["content"].strip()
        before = turns[:-1] if "completion" not in columns or ends_with_it else turns
        if not before:
            raise RowError(f'Column "{columns["prompt"]}" holds an answer without a question.')
        return before, answer


def is_rating(value: object) -> bool:
    """True if ``value`` may be a rating: true or false, a number, or the name of one."""
    if isinstance(value, (bool, int, float)) or number_in(value) is not None:
        return True
    return isinstance(value, str) and value.strip().lower().translate(MARKS) in RATINGS


def _with_numbers(column: str, rows: list[dict]) -> Ratings:
    """The column with the meaning of its numbers: thumbs, else the higher of two is good, else unknown."""
    found = {number for row in rows if (number := number_in(cell(row, column))) is not None}
    ratings = Ratings(column)
    if not any(found <= pair for pair in PAIRS):
        low, *others = sorted(found)
        ratings.numbers = {low: "bad", others[0]: "good"} if len(others) == 1 else {}
    return ratings


def _label(value: object, column: str, roles: dict[str, str] | None) -> bool:
    """True if a rating is good, False if it is bad; ``RowError`` if that is unknown."""
    if isinstance(value, bool):
        return value
    if value is None or isinstance(value, str) and not value.strip():
        raise RowError(f'Column "{column}" is empty.')
    if not isinstance(value, (str, int, float)):
        raise RowError(f'Column "{column}" holds {kind_of(value)}, not a rating.')
    written = f"{value:g}" if isinstance(value, float) else str(value).strip().lower()
    number = number_in(value)
    numbers = getattr(column, "numbers", None)
    usual = (
        RATINGS.get(written.translate(MARKS))
        if number is None
        else (THUMBS if numbers is None else numbers).get(number)
    )
    meaning = known_names({"good": "good", "bad": "bad"}, roles).get(written, _by_threshold(number, roles) or usual)
    if meaning is None:
        scale = "a value on a scale" if number is not None else "an unknown rating"
        raise RowError(
            f'Column "{column}" holds "{value}", {scale}; set data.threshold, the value from which ratings are good, '
            f"or assign meanings to ratings, e.g. {value}: good."
            if number is not None
            else f'Column "{column}" holds "{value}", {scale}; assign meanings to ratings, e.g. {value}: good.'
        )
    return meaning == "good"


def _by_threshold(number: float | None, roles: dict[str, str] | None) -> str | None:
    """The meaning of a number if ``roles`` say from which number on ratings are good."""
    limit = next((name[len(FROM) :] for name in roles or () if name.startswith(FROM)), None)
    return None if limit is None or number is None else "good" if number >= float(limit) else "bad"

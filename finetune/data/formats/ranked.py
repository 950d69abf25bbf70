"""Ranked answers: a prompt and several answers with scores or ranks, of which the best and the worst are a pair."""

from finetune.data.formats.chat import own_system
from finetune.data.formats.contents import is_nothing
from finetune.data.formats.format import SYSTEM, Format, FormatField, RowError, cell, kind_of
from finetune.data.formats.preference import CONVERSATIONS, as_pair
from finetune.data.formats.request import CONTEXT, HISTORY, context, earlier, with_context, without_echo
from finetune.data.formats.sides import side
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import with_system

TEXT_KEYS = ("response", "answer", "text", "completion", "content", "output", "generation")
SCORE_KEYS = (
    "overall_score", "score", "fine-grained_score", "fine_grained_score", "rating", "overall", "reward", "rank",
)  # fmt: skip
"""Keys of an answer's score; a rank is the better the lower it is."""
RANKS = ("rank", "ranks", "ranking")


class Ranked(Format):
    """Columns ``prompt``, ``responses`` and ``scores``; or ``completions: [{"response": …, "score": 8}, …]``.

    A response may be a text or a turn, as in Gemini's preference tuning.
    """

    name = "ranked"
    title = "Ranked answers"
    kind = "preference"
    order = 13
    fields = (
        FormatField(
            "prompt",
            "What the answers reply to: a text, or a conversation up to them.",
            ("prompt", "question", "instruction", "query", "input", *CONVERSATIONS, "contents"),
        ),
        FormatField(
            "answers",
            "The answers, as texts or as objects with a score or a rank.",
            ("completions", "responses", "answers", "candidates", "outputs", "generations"),
        ),
        FormatField(
            "scores",
            "The score of each answer, or its rank, if the answers have none; or the place of the best, from 0.",
            (
                "scores", "ratings", "rating", "rewards", "score", "ranks", "ranking", "preferred_index", "best_index",
                "chosen_index",
            ),
            required=False,
        ),
        CONTEXT,
        HISTORY,
        SYSTEM,
    )  # fmt: skip
    holds = "several answers and their scores"

    def find(self, columns, rows, mapped):
        found = without_echo(super().find(columns, rows, mapped), rows, mapped, "prompt", "context")
        has_own = any(_scored(parsed(row.get(found.get("answers")))) for row in rows)
        return found if has_own or "scores" in found else {}

    def notes(self, columns, rows):
        return [f'Of the answers in "{columns["answers"]}", the best and the worst are a pair.']

    def example(self, row, columns, system=None, roles=None):
        answers, scores = self._answers(row, columns)
        best, worst = (pick(range(len(scores)), key=lambda n: scores[n]) for pick in (max, min))
        if scores[best] == scores[worst]:
            raise RowError("All answers have the same score, so none is better.")
        before = side(row, columns["prompt"], "user", roles)
        before = earlier(row, columns, roles) + with_context(before, context(row, columns))
        column = columns["answers"]
        chosen, rejected = (side({column: answers[n]}, column, "assistant", roles) for n in (best, worst))
        pair = as_pair(before, chosen, rejected, (column, column))
        return {**pair, "prompt": with_system(pair["prompt"], own_system(row, columns) or system)}

    def _answers(self, row: dict, columns: dict[str, str]) -> tuple[list, list[float]]:
        """The answers of a row and the score of each, higher is better."""
        column, given = columns["answers"], parsed(cell(row, columns["answers"]))
        if not isinstance(given, list) or len(given) < 2:
            raise RowError(f'Column "{column}" holds {kind_of(given)}, not several answers.')
        if found := _scored(given):
            return found
        name = columns.get("scores", "")
        scores = _scores(parsed(cell(row, name)), len(given), name)
        if scores is None:
            raise RowError(f'Column "{name or column}" does not hold a score for each of the {len(given)} answers.')
        return given, scores


def _scored(given: object) -> tuple[list, list[float]] | None:
    """The texts of objects and their scores; None if they have none."""
    if not isinstance(given, list) or len(given) < 2 or not all(isinstance(item, dict) for item in given):
        return None
    text = next((key for key in TEXT_KEYS if all(not is_nothing(item.get(key)) for item in given)), None)
    key = next((key for key in SCORE_KEYS if all(_is_number(item.get(key)) for item in given)), None)
    if text is None or key is None:
        return None
    sign = -1 if key in RANKS else 1
    return [item[text] for item in given], [sign * float(item[key]) for item in given]


def _scores(value: object, count: int, column: str) -> list[float] | None:
    """A score for each of ``count`` answers: as listed, or 1 for the best and 0 for the others."""
    if _is_number(value) and column.endswith("index"):
        return [float(place == int(value)) for place in range(count)] if 0 <= int(value) < count else None
    if not isinstance(value, list) or len(value) != count or not all(map(_is_number, value)):
        return None
    sign = -1 if column.lower() in RANKS else 1
    return [sign * float(number) for number in value]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

"""Questions that have nothing to do with the data of a run, for what it has forgotten."""

from pathlib import Path

from finetune.errors import DataError
from finetune.evaluation.metrics.metric import Asked
from finetune.evaluation.questions import asked_of, keyed, rows_of, unseen
from finetune.inference.question import messages
from finetune.paths import ASSETS
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace

STARTERS = ASSETS / "samples" / "general.held-out.jsonl"
"""For the starter model: questions about its small world that it never saw."""
EVERYONES = ASSETS / "general-knowledge.jsonl"
"""For any other model: general knowledge in English."""
MOST = 120


def general_rows(
    recipe: Recipe, workspace: Workspace, path: str | None, trusted: bool = True
) -> tuple[str, list[dict]]:
    """The name of the file with general questions and its rows: that at ``path``, else the one that suits the model."""
    if path:
        dataset = rows_of(path, workspace, trusted)
        if dataset.kind not in ("chat", "prompt"):
            raise DataError(
                f"The general questions in {Path(path).name} are {dataset.title}.",
                "Choose a file of questions with short answers.",
            )
        return Path(path).name, list(dataset.examples)
    shipped = STARTERS if recipe.model.id == "starter" else EVERYONES
    return shipped.name, keyed(shipped)


def general_questions(recipe: Recipe, rows: list[dict], train) -> list[Asked]:
    """``rows`` as both models are asked them, after the system prompt that the run was trained with.

    Those that the run was trained on are left out.
    """
    found = []
    for row in unseen(rows, train):
        asked = asked_of(row)
        if asked is None or not asked.expected:
            continue
        *history, last = [turn for turn in asked.messages if turn["role"] != "system"]
        before = [(one["content"], two["content"]) for one, two in zip(history[::2], history[1::2])]
        turns = tuple(messages(recipe, last["content"], before))
        example = {"messages": [*turns, {"role": "assistant", "content": asked.expected}]}
        found.append(Asked(turns, asked.expected, tuple(row.get("key", ())), example))
    return found

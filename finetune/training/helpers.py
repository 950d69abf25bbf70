"""The further models that a method trains with, loaded: reward models and judges."""

from typing import Any

from finetune.inference.judge import Judging
from finetune.models.scorer import Scorer
from finetune.recipe import Recipe
from finetune.rewards.judge import Judge
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace


def load_helpers(recipe: Recipe, workspace: Workspace, run: Run | None = None) -> dict[str, Any]:
    """The helpers that the method of ``recipe`` wants, by the names it gives them; judgements go to ``run``."""
    return {name: _load(wanted, workspace, run) for name, wanted in recipe.method.wants().items()}


def _load(wanted: Any, workspace: Workspace, run: Run | None) -> Any:
    if isinstance(wanted, Judge):
        return Judging.load(wanted, workspace, run.judgements if run else None)
    return Scorer.load(workspace.run(wanted), workspace)

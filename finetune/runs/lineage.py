"""The runs that a run comes from: each trains the tuned model of the one before further (``model.run``)."""

from finetune.errors import RunError
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace


def earlier(run: Run, workspace: Workspace) -> Run | None:
    """The run that ``run`` trains further; None if it starts from a base model, or that run is deleted."""
    try:
        return workspace.run(run.recipe.model.run) if run.recipe.model.run else None
    except RunError:
        return None


def lineage(run: Run, workspace: Workspace) -> list[Run]:
    """The runs from the first one, which started from a base model, to ``run``."""
    found = [run]
    while (before := earlier(found[0], workspace)) and before.id not in [each.id for each in found]:
        found.insert(0, before)
    return found

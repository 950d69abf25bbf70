"""What a run is made from: its rows, its base, and the earlier run that it trains further."""

from finetune.models.loading import require_model
from finetune.models.locate import locate
from finetune.recipe import Recipe
from finetune.runs import events
from finetune.runs.fingerprint import (
    require_same_base,
    require_same_rows,
    require_same_start,
    rows_fingerprint,
    weights_fingerprint,
)
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.training.prepare import Rows


def tie(run: Run, recipe: Recipe, workspace: Workspace, rows: Rows) -> None:
    """Tie the run to what it is made from: rows, base, and the earlier run's model where it trains one further.

    ``RunError`` if it has taken steps and one of them has changed since; what has taught nothing yet may change.
    """
    folder, view = locate(recipe.model, workspace), run.view()
    earlier = require_model(workspace.run(recipe.model.run)) if recipe.model.run else None
    made_from = events.Fingerprinted(
        rows=rows_fingerprint(rows.train, rows.held_out),
        base=weights_fingerprint(folder),
        start=weights_fingerprint(earlier.model_dir) if earlier else "",
    )
    if view.step:
        require_same_rows(run, view, made_from.rows)
        require_same_base(run, folder)
        if earlier:
            require_same_start(run, earlier)
    run.emit(made_from)

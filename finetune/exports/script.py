"""A run as one script: ``train.py``, which repeats the training without Finetune Studio, on any machine.

    train.py            settings on top, the same TRL trainer below, its libraries named in its header (PEP 723)
    train.parquet       tokenized rows as the trainer receives them, with exactly the same loss mask
    held-out.parquet    the held-out rows likewise, if there are any
    tokenizer/          with the chat template that was used
    base/, teacher/     the base model, and the method's teacher if it has one, unless they come from the hub
    *_adapter.py        the adapter's own code, if it is none of PEFT's
    start/              the tuned model of the earlier run, if the run trained one further: its adapter, or all weights
    recipe.yaml         the recipe of the run

The text of train.py is made in ``script_source``.
"""

import os
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from finetune.errors import RunError
from finetune.exports.script_source import source
from finetune.exports.target import Exported, Target, Work
from finetune.exports.teacher import put_teacher
from finetune.machine.libraries import load
from finetune.models import inspection
from finetune.models.architecture import Architecture
from finetune.models.loading import kept_whole, require_model
from finetune.models.locate import locate
from finetune.recipe import Recipe
from finetune.runs.fingerprint import require_same_base, require_same_rows, require_same_start, rows_fingerprint
from finetune.runs.run import Run
from finetune.runs.view import View
from finetune.runs.workspace import Workspace
from finetune.settings import Settings
from finetune.training.prepare import Rows, prepare


class Script(Target):
    """The training of a run as a program of its own."""

    name: ClassVar[str] = "script"
    order: ClassVar[int] = 30
    words: ClassVar[str] = "train.py with its data, which repeats the training"
    title: ClassVar[str] = "Script"
    purpose: ClassVar[str] = "The training itself as a program: to repeat it on another machine, or on many."
    is_quick: ClassVar[bool] = True
    answers: ClassVar[bool] = False

    def require(self, run: Run) -> None:
        """``RunError`` if the run has not trained, or by a method that cannot leave so."""
        method = run.as_trained.method
        if not method.leaves_as_script:
            raise RunError(
                f"{method.title} cannot leave as a script: a part of it is Finetune Studio's own.",
                "Export the adapter or the merged model, and keep the recipe.",
            )
        if not run.view().total_steps:
            raise RunError(f"Run {run.id} has not trained yet.", "Export it once it has.")

    def write(
        self, run: Run, workspace: Workspace, to: Path, options: Settings | None = None, work: Work = Work()
    ) -> Exported:
        """The path of the new ``RUN/train.py``, with everything it needs beside it.

        ``RunError`` if the run has not trained, if what it was made from has changed since, or if the folder already
        exists.
        """
        self.require(run)
        recipe, view, folder = run.as_trained, run.view(), Path(to) / run.id
        if folder.exists():
            raise RunError(f"{folder} already exists.", "Choose another folder, or remove it.")
        load()
        prepared = prepare(recipe, workspace)
        rows = prepared.rows
        _require_unchanged(run, view, recipe, rows, workspace)
        staging = folder.with_name(f".{run.id}.{os.getpid()}")
        try:
            staging.mkdir(parents=True)
            _write_rows(rows.train, staging / "train.parquet")
            if rows.held_out:
                _write_rows(rows.held_out, staging / "held-out.parquet")
            prepared.tokenizer.save_pretrained(staging / "tokenizer")
            (staging / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
            model = _put_model(recipe, workspace, staging)
            if recipe.adapter.code:
                code = Path(import_module(recipe.adapter.code).__file__)
                shutil.copyfile(code, staging / code.name)
            found, whole = _architecture(recipe, workspace), _whole(recipe, workspace)
            text = source(run, view, model, prepared.defaults, found, whole)
            (staging / "train.py").write_text(text, encoding="utf-8")
            staging.rename(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return Exported(folder / "train.py")


def _architecture(recipe: Recipe, workspace: Workspace) -> Architecture:
    """What the script starts from; the weights that an earlier run wrote are plain."""
    found = inspection.inspect(locate(recipe.model, workspace), recipe.model.id).architecture
    return replace(found, quantization="") if recipe.model.run and recipe.adapter.trains_base() else found


def _whole(recipe: Recipe, workspace: Workspace) -> list[str]:
    """The layers that stay as they are while the base is quantized; empty for Transformers' own choice."""
    return kept_whole(locate(recipe.model, workspace)) if recipe.adapter.quantization_arguments() else []


def _require_unchanged(run: Run, view: View, recipe: Recipe, rows: Rows, workspace: Workspace) -> None:
    """``RunError`` if the recipe no longer gives the rows, the base or the start that it gave to the run."""
    then = (view.train_rows, view.held_out_rows, view.trained_tokens)
    now = (len(rows.train), len(rows.held_out), rows.counts.trained)
    if then != now:
        raise RunError(
            f"The data of run {run.id} has changed since: it trained on {then[0]:,} rows with {then[2]:,} trained "
            f"tokens, and the data now has {now[0]:,} rows with {now[2]:,}.",
            "Restore the file, or train again.",
        )
    require_same_rows(run, view, rows_fingerprint(rows.train, rows.held_out))
    if recipe.model.run:
        require_same_start(run, require_model(workspace.run(recipe.model.run)))
    if not (recipe.model.run and recipe.adapter.trains_base()):
        require_same_base(run, locate(recipe.model, workspace))


def _write_rows(rows: list[dict], path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def _put_model(recipe: Recipe, workspace: Workspace, staging: Path) -> dict:
    """What the script starts from, each folder copied to ``staging``: MODEL, REVISION, and START if it has one.

    MODEL is the hub's id with the exact commit as REVISION, or a folder. An earlier run's adapter is START; all weights
    of an earlier run are MODEL, and need no base.
    """
    if recipe.model.run:
        earlier = require_model(workspace.run(recipe.model.run))
        shutil.copytree(earlier.model_dir, staging / "start")
        if recipe.adapter.trains_base():
            return {"MODEL": "start", "REVISION": None, **put_teacher(recipe, workspace, staging)}
    started = ({"START": "start"} if recipe.model.run else {}) | put_teacher(recipe, workspace, staging)
    folder = locate(recipe.model, workspace)
    if folder.parent.name == "snapshots":
        return {"MODEL": recipe.model.id, "REVISION": folder.name, **started}
    shutil.copytree(folder, staging / "base")
    return {"MODEL": "base", "REVISION": None, **started}

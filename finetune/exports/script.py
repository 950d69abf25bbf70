"""A run as one script: ``train.py``, which repeats the training without Finetune Studio, on any machine.

    train.py            settings on top, the same TRL trainer below, its libraries named in its header (PEP 723)
    train.parquet       tokenized rows as the trainer receives them, with exactly the same loss mask
    held-out.parquet    the held-out rows likewise, if there are any
    tokenizer/          with the chat template that was used
    base/, teacher/     the base model, and the method's teacher if it has one, unless they come from the hub
    *_adapter.py        the adapter's own code, if it is none of PEFT's
    start/              the tuned model of the earlier run, if the run trained one further: its adapter, or all weights
    recipe.yaml         the recipe of the run
    nodes.sh, ...       what starts it elsewhere, by the launcher that was chosen (finetune.exports.launchers)

The text of train.py is made in ``script_source``.
"""

import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from finetune.errors import RunError
from finetune.exports.launchers import LAUNCHERS, Job
from finetune.exports.script_source import source
from finetune.exports.staging import require_free, staged
from finetune.exports.target import Exported, Step, Target, Work
from finetune.exports.teacher import put_teacher
from finetune.format import counted
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


def _folder(text: str) -> str:
    """``text``, if it names a folder in a line of shell; ``ValueError`` if not."""
    if not text.isprintable():
        raise ValueError("A folder is named in one line of printable characters")
    if text.startswith("~"):
        raise ValueError("A folder is named by its whole path, without ~")
    return text


class ScriptOptions(Settings):
    """Where the script is to be started."""

    launcher: Literal[tuple(LAUNCHERS)] = "here"
    """Where the script is started: here is this machine; nodes are several machines, by torchrun on each; slurm is a
    cluster that Slurm manages; skypilot rents machines of a cloud; hf-jobs is Hugging Face Jobs."""
    nodes: int = Field(1, ge=1, le=64)
    """Machines of a distributed training (launchers nodes, slurm and skypilot). They share every batch."""
    gpus_per_node: int = Field(1, ge=0, le=16, title="GPUs per node")
    """GPUs of each machine, with a process for each; 0 trains on CPUs. On hf-jobs the flavor says so."""
    hours: int = Field(24, ge=1, le=720)
    """Time limit, after which slurm, skypilot and hf-jobs end the job."""
    flavor: str = Field("", max_length=50)
    """Hardware: on hf-jobs e.g. l4x1, on skypilot the name of a GPU, e.g. L4."""
    bucket: str = Field("", max_length=200)
    """Where the model goes: on hf-jobs ME/BUCKET, on skypilot e.g. s3://BUCKET or empty to fetch it by rsync."""
    output: Annotated[str, AfterValidator(_folder)] = Field("", max_length=500)
    """Folder that nodes and slurm write the model to. Left empty: the folder of the script."""

    def job(self, run_id: str) -> Job:
        """What is asked of the launcher for the run ``run_id``; ``RunError`` if it cannot start that."""
        launcher = LAUNCHERS[self.launcher]
        for name in self.model_dump(exclude_defaults=True, exclude={"launcher", *launcher.takes}):
            raise RunError(
                f"The launcher {launcher.name}, {launcher.words}, has no option {name}.",
                f"Leave {name} out, or choose another launcher: "
                + ", ".join(each.name for each in LAUNCHERS.values() if name in each.takes)
                + ".",
            )
        job = Job(run_id, self.nodes, self.gpus_per_node, self.hours, self.flavor, self.bucket, self.output)
        return launcher.suited(job)


class Script(Target):
    """The training of a run as a program of its own."""

    name: ClassVar[str] = "script"
    order: ClassVar[int] = 30
    words: ClassVar[str] = "train.py with its data, which repeats the training"
    title: ClassVar[str] = "Script"
    purpose: ClassVar[str] = "The training itself as a program: to repeat it on another machine, or on many."
    options: ClassVar[type[Settings]] = ScriptOptions
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
        options = options or self.options()
        launcher, job = LAUNCHERS[options.launcher], options.job(run.id)
        recipe, view, folder = run.as_trained, run.view(), Path(to) / run.id
        require_free(folder)  # before the rows are prepared
        load()
        prepared = prepare(recipe, workspace)
        rows = prepared.rows
        _require_unchanged(run, view, recipe, rows, workspace)
        if launcher.file:
            _require_shared(job, prepared.defaults.batch_size)
        with staged(folder) as staging:
            staging.mkdir()
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
            if launcher.file:
                (staging / launcher.file).write_text(launcher.text(job), encoding="utf-8")
        note = f"{launcher.file} beside it starts it {launcher.words}." if launcher.file else ""
        return Exported(folder / "train.py", note)

    def steps(self, run: Run, exported: Exported) -> list[Step]:
        """How to start it, by the file of a launcher that was written beside it."""
        folder = exported.path.parent
        others = [each for each in LAUNCHERS.values() if each.file and (folder / each.file).is_file()]
        return [step for launcher in others or [LAUNCHERS["here"]] for step in launcher.steps(folder)]


def _require_shared(job: Job, batch_size: int) -> None:
    """``RunError`` if the processes of ``job`` cannot share a batch equally."""
    if batch_size % job.processes:
        raise RunError(
            f"A batch of {batch_size} sequences cannot be split equally among "
            f"{counted(job.processes, 'process', 'processes')}.",
            "Choose another number of machines or GPUs, or train with a batch size that is a multiple of it.",
        )


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

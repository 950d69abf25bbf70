"""The trackers that a run may report to (``training.report_to``): what each needs, how it begins, how it ends.

Each is Transformers' own callback, in ``finetune.training.tracked``, which keeps a tracker that fails from ending the
run. A tracker gets losses, learning rates and the trainer's arguments; no rows, no answers, no weights, no folders.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from finetune.errors import Problem, RunError
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

PROJECT = "finetune-studio"
"""The project, or experiment, that runs are in where the environment names none."""
LOGS = "tensorboard"
"""The folder of TensorBoard's files in a run directory."""


@dataclass(frozen=True)
class Tracker:
    """A tool that shows the losses of runs."""

    name: str
    """As the recipe, Transformers and PyPI call it."""
    title: str
    is_shared: bool = True
    """True if it uses an account or files of whoever this program runs as, beside the run directory."""

    def begin(self, run: Run, workspace: Workspace, step: int) -> Any:
        """Transformers' callback for ``run``, which starts or continues after ``step``."""
        raise NotImplementedError

    def end(self, callback: Any, args, state) -> None:
        """Close what ``begin`` opened, also after a training that failed."""
        callback.on_train_end(args, state, None)


class TensorBoard(Tracker):
    """Event files in the run directory; a resumed run hides what an earlier sitting wrote after its checkpoint."""

    def begin(self, run: Run, workspace: Workspace, step: int) -> Any:
        from torch.utils.tensorboard import SummaryWriter
        from transformers.integrations import TensorBoardCallback

        return TensorBoardCallback(SummaryWriter(str(run.path / LOGS), purge_step=step + 1 if step else 0))


class Trackio(Tracker):
    """A database on this machine (``TRACKIO_DIR``), or the Space that ``TRACKIO_SPACE_ID`` names."""

    def begin(self, run: Run, workspace: Workspace, step: int) -> Any:
        from transformers.integrations import TrackioCallback

        return TrackioCallback()


class WeightsAndBiases(Tracker):
    """Its server, or with ``WANDB_MODE=offline`` files in the run directory."""

    def begin(self, run: Run, workspace: Workspace, step: int) -> Any:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb
        from transformers.integrations import WandbCallback

        # It would ask for a key in the terminal, and wait.
        if os.environ.get("WANDB_MODE", "online") in ("online", "shared") and not wandb.login(prompt=False):
            raise RunError("Nobody is signed in.", "Run `wandb login`, or set WANDB_MODE=offline.")
        wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.id,
            id=key_of(run),
            resume="allow",
            dir=str(run.path),
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                save_code=False,
                init_timeout=30,
                # The command line and the folders of this machine.
                x_disable_meta=True,
                x_disable_machine_info=True,
            ),
        )
        return WandbCallback()

    def end(self, callback: Any, args, state) -> None:
        import wandb

        wandb.finish()


class MLflow(Tracker):
    """The server that ``MLFLOW_TRACKING_URI`` names, else a database in the workspace."""

    def begin(self, run: Run, workspace: Workspace, step: int) -> Any:
        # Its own choice is to try for many minutes, in which nothing would be trained.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow
        from transformers.integrations import MLflowCallback

        if not os.environ.get("MLFLOW_TRACKING_URI"):
            mlflow.set_tracking_uri(f"sqlite:///{workspace.path / 'mlflow.db'}")
        mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT))
        key = key_of(run)
        found = mlflow.search_runs(filter_string=f"tags.finetune_run = '{key}'", output_format="list")
        tags = {"finetune_run": key, "mlflow.source.name": PROJECT}
        mlflow.start_run(found[0].info.run_id if found else None, run_name=run.id, tags=tags)
        return MLflowCallback()

    def end(self, callback: Any, args, state) -> None:
        import mlflow

        mlflow.end_run()


TRACKERS = {
    each.name: each
    for each in (
        TensorBoard("tensorboard", "TensorBoard", is_shared=False),
        Trackio("trackio", "Trackio"),
        WeightsAndBiases("wandb", "Weights & Biases"),
        MLflow("mlflow", "MLflow"),
    )
}
"""Every tracker by its name."""


def missing(names: Iterable[str]) -> list[Problem]:
    """A problem for each of the trackers ``names`` whose package is not installed here."""
    return [
        Problem(
            "training.report_to",
            f"{name} is not installed here.",
            f"Install it (pip install {name}), or leave report_to empty.",
        )
        for name in dict.fromkeys(names)
        if find_spec(name) is None
    ]


def arguments(names: Sequence[str], run_name: str) -> dict:
    """The arguments of the trainer that have it report to the trackers ``names``, and publish nothing."""
    if not names:
        return {"report_to": "none"}
    return {"report_to": list(names), "run_name": run_name, "project": PROJECT, "trackio_static_space_id": False}


def versions(names: Iterable[str]) -> dict[str, str]:
    """The installed version of each of the trackers ``names``."""
    return {name: version(name) for name in names if find_spec(name)}


def key_of(run: Run) -> str:
    """A key of ``run`` that no run of another workspace has, and that it keeps when it is resumed."""
    return hashlib.sha256(f"{run.path}:{run.view().queued_at}".encode()).hexdigest()[:16]

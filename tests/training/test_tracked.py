"""What trackers are given, read back by each tracker's own reader; and a run that none of them can end."""

import json
import math
import sqlite3

import pytest
from transformers import TrainerCallback

from finetune.training import distributed
from finetune.training.tracked import tracked
from finetune.training.trackers import TRACKERS, Tracker
from finetune.training.train import train
from tests.training.test_train import asking, recipe

FEW = {"training.max_steps": 8, "training.precision": "fp32", "evaluation.times": 2}


def paused_and_resumed(with_tiny, tmp_path, monkeypatch, name):
    """A run with the tracker ``name``, paused after its fifth step and resumed from the checkpoint of the fourth."""
    made = recipe(tmp_path, **FEW, **{"training.report_to": [name], "training.save_steps": 2})
    run = with_tiny.create(made)
    with monkeypatch.context() as patch:
        patch.setattr(type(run), "emit", asking(run.emit, run, 5))
        with run.held():
            train(run, with_tiny)
    for checkpoint in run.checkpoints.all():  # as if it had been killed: what came after the last one is repeated
        if checkpoint.step > 4:
            checkpoint.path.rename(checkpoint.path.with_name(f".{checkpoint.path.name}"))
    run.requeue()
    with run.held():
        train(run, with_tiny)
    view = run.view()
    assert view.state == "done" and [step.step for step in view.steps] == list(range(1, 9))
    assert not [note.message for note in view.notes if "left out from here on" in note.message]
    return run, view


def expected(view) -> dict[str, dict[int, float]]:
    """What Transformers' names of a run's figures stand for."""
    return {
        "train/loss": {step.step: step.loss for step in view.steps},
        "train/learning_rate": {step.step: step.learning_rate for step in view.steps},
        "train/grad_norm": {step.step: step.grad_norm for step in view.steps},
        "eval/loss": {evaluation.step: evaluation.loss for evaluation in view.evaluations},
    }


def assert_private(folder, with_tiny) -> None:
    """No file in ``folder`` has a row of the data, or a folder of this machine."""
    text = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    rows = (with_tiny.path.parent / "sft.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [message["content"] for row in map(json.loads, rows) for message in row["messages"]]
    assert text and not [each for each in texts if len(each) > 8 and each.encode() in text]
    assert str(with_tiny.path.parent).encode() not in text


def test_tensorboard_reads_the_figures_of_the_run_also_where_it_was_resumed(with_tiny, tmp_path, monkeypatch):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run, view = paused_and_resumed(with_tiny, tmp_path, monkeypatch, "tensorboard")
    found = reader.EventAccumulator(str(run.path / "tensorboard"), {reader.SCALARS: 0}).Reload()
    for name, values in expected(view).items():
        read = {each.step: each.value for each in found.Scalars(name)}
        assert len(found.Scalars(name)) == len(values), f"{name}: a step is there twice"
        assert read == pytest.approx(values, rel=1e-6)
    assert_private(run.path / "tensorboard", with_tiny)


def test_trackio_has_the_figures_of_the_run_in_its_database(with_tiny, tmp_path, monkeypatch):
    pytest.importorskip("trackio")
    import trackio.utils

    folder = tmp_path / "trackio"
    folder.mkdir()
    for module in [trackio.utils, *(each for each in _modules("trackio") if hasattr(each, "TRACKIO_DIR"))]:
        monkeypatch.setattr(module, "TRACKIO_DIR", folder)
    run, view = paused_and_resumed(with_tiny, tmp_path, monkeypatch, "trackio")
    with sqlite3.connect(folder / "finetune-studio.db") as database:
        rows = database.execute("SELECT run_name, metrics FROM metrics ORDER BY id").fetchall()
    assert {name for name, _ in rows} == {run.id}
    logged = [json.loads(metrics) for _, metrics in rows]
    for name, values in expected(view).items():
        read = {int(each["train/global_step"]): each[name] for each in logged if name in each}
        assert read == pytest.approx(values)
    assert_private(folder, with_tiny)


def _modules(package: str) -> list:
    import sys

    return [module for name, module in list(sys.modules.items()) if name.split(".")[0] == package]


def test_weights_and_biases_writes_beside_the_run_when_offline(with_tiny, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run, _ = paused_and_resumed(with_tiny, tmp_path, monkeypatch, "wandb")
    folders = sorted((run.path / "wandb").glob("offline-run-*"))
    assert len(folders) == 2 and len({folder.name.rpartition("-")[2] for folder in folders}) == 1, "one run, continued"
    for path in (run.path / "wandb").rglob("debug*.log"):  # notes for this machine alone, which is never sent
        path.unlink()
    assert_private(run.path / "wandb", with_tiny)


def test_mlflow_has_the_figures_of_the_run_in_its_store(with_tiny, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    run, view = paused_and_resumed(with_tiny, tmp_path, monkeypatch, "mlflow")
    (found,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert found.info.run_name == run.id and found.info.status == "FINISHED"
    client = mlflow.MlflowClient()
    for name, values in expected(view).items():
        name = name.removeprefix("train/").replace("eval/", "eval_")
        history = {each.step: each.value for each in client.get_metric_history(found.info.run_id, name)}
        assert history == pytest.approx(values)


class Broken(Tracker):
    """Fails where it is told to."""

    where = ""

    def begin(self, run, workspace, step):
        class Inner(TrainerCallback):
            def on_log(self, args, state, control, logs=None, **kwargs):
                logs.clear()
                if Broken.where == "log" and state.global_step == 2:
                    raise OSError("no route to https://me:password@tracker.example/api")

        if Broken.where == "begin":
            raise ImportError("half installed")
        return Inner()

    def end(self, callback, args, state):
        if Broken.where == "end":
            raise TimeoutError


@pytest.mark.parametrize("where", ["begin", "log", "end"])
def test_a_tracker_that_fails_is_noted_once_and_changes_nothing(where, trained, monkeypatch):
    monkeypatch.setitem(TRACKERS, "mlflow", Broken("mlflow", "MLflow"))
    monkeypatch.setattr(Broken, "where", where)
    view = trained(**{"training.max_steps": 3, "evaluation.times": 1, "training.report_to": ["mlflow"]}).view()
    assert view.state == "done" and all(math.isfinite(step.loss) for step in view.steps) and len(view.steps) == 3
    (note,) = [note for note in view.notes if "MLflow" in note.message]
    assert note.level == "warning" and "the run goes on" in note.message and "password" not in note.message


def test_other_processes_than_the_main_one_report_nothing(with_tiny, tmp_path, monkeypatch):
    run = with_tiny.create(recipe(tmp_path, **{"training.report_to": ["tensorboard", "tensorboard"]}))
    with tracked(run, run.recipe, with_tiny) as found:
        assert [each.tracker.name for each in found] == ["tensorboard"]
    monkeypatch.setattr(distributed, "is_main_process", lambda: False)
    with tracked(run, run.recipe, with_tiny) as found:
        assert found == []


def test_what_is_logged_is_not_changed_by_a_tracker(trained, monkeypatch):
    monkeypatch.setitem(TRACKERS, "mlflow", Broken("mlflow", "MLflow"))
    few = {"training.max_steps": 2, "evaluation.times": 0, "training.precision": "fp32"}
    with_one, without = trained(**few, **{"training.report_to": ["mlflow"]}).view(), trained(**few).view()
    assert [step.loss for step in with_one.steps] == [step.loss for step in without.steps]

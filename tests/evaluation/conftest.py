"""One trained run of the tiny model, for all that is asked of it."""

import pytest


@pytest.fixture(scope="session")
def tuned(tmp_path_factory, tiny_model):
    """A finished run in fp32, and its workspace."""
    from finetune.runs.workspace import Workspace
    from finetune.training.train import train
    from tests.training.test_train import recipe

    folder = tmp_path_factory.mktemp("tuned")
    workspace = Workspace(folder / "workspace")
    (workspace.models_dir / "tiny").symlink_to(tiny_model)
    changes = {"training.learning_rate": 0.05, "evaluation.times": 0, "training.precision": "fp32"}
    run = workspace.create(recipe(folder, **changes))
    with run.held():
        train(run, workspace)
    return run, workspace

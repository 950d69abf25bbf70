"""A workspace with a run of each kind that is served, and their models in memory."""

import pytest

from finetune.runs.workspace import Workspace
from finetune.serving.models import Models
from tests.inference.tuned import tuned_run
from tests.serving.live import serving

KINDS = ("lora", "full", "prefix", "qlora")


@pytest.fixture(scope="module", autouse=True)
def computes_in_one_thread(one_thread):
    """All of these tests compute tiny models."""


@pytest.fixture(scope="session")
def home(tiny_model, tmp_path_factory):
    """A workspace with the tiny model, and a run of each of ``KINDS`` by name."""
    workspace = Workspace(tmp_path_factory.mktemp("served"))
    (workspace.models_dir / "tiny").symlink_to(tiny_model)
    return workspace, {kind: tuned_run(workspace, {"type": kind}) for kind in KINDS}


@pytest.fixture(scope="session")
def models(home):
    """Base and tuned of the LoRA run."""
    workspace, runs = home
    return Models.load(runs["lora"], workspace)


@pytest.fixture(scope="module")
def live(home, models):
    """A server of the LoRA run, without a key."""
    with serving(models, home[0]) as running:
        yield running


@pytest.fixture(scope="module")
def client(live):
    """The official client of that server."""
    with live.client() as found:
        yield found

"""What every test shares: no network, a workspace of its own, and the flags for what takes long."""

import os
import sys
import tempfile

import pytest

# Before anything imports a Hugging Face library or Gradio, which read these once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
HOME = tempfile.TemporaryDirectory(prefix="finetune-tests-")
os.environ["FINETUNE_HOME"] = HOME.name


def pytest_addoption(parser):
    parser.addoption("--heavy", action="store_true", help="also run the tests that take minutes")


def pytest_configure(config):
    if hasattr(config, "workerinput"):  # processes side by side: threads of their own would wait for each other
        import torch

        torch.set_num_threads(1)


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: item.path.parent.name != "flow")  # the longest files must not be the last to begin
    for item in items:
        if item.get_closest_marker("heavy") and not config.getoption("--heavy"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --heavy"))
        if (item.get_closest_marker("gpu") or "gpu" in item.path.parts) and not _has_gpu():
            item.add_marker(pytest.mark.skip(reason="needs a CUDA GPU, and this machine has none"))


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="module")
def one_thread():
    """One thread: with two on a busy machine, each tiny operation waits for the slower."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    from tests.browser import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture
def one_4bit_kernel(monkeypatch):
    """Plain programs compute 4 bits as this one does.

    On some processors with bf16 instructions bitsandbytes has another kernel, which has no gradients and rounds more.
    """
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: False)


@pytest.fixture
def workspace(tmp_path):
    """An empty workspace."""
    from finetune.runs.workspace import Workspace

    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """The folder of a tiny random chat model."""
    from tests.tiny import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_teacher(tmp_path_factory):
    """The folder of another tiny model with the same tokens."""
    from tests.tiny import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("models") / "teacher", seed=1)


@pytest.fixture(autouse=True)
def queues_end(monkeypatch):
    """Closes the queues that a test made: hundreds of their threads would wait for each other in one process."""
    queue = sys.modules.get("finetune.service.queue")
    if queue is None:
        yield
        return
    made, begin = [], queue.RunQueue.__init__

    def noted(self, *arguments, **options):
        begin(self, *arguments, **options)
        made.append(self)

    monkeypatch.setattr(queue.RunQueue, "__init__", noted)
    yield
    for each in made:
        each.close(0)


@pytest.fixture
def with_tiny(workspace, tiny_model, tiny_teacher):
    """A workspace that has the tiny model as ``tiny``, and another one as ``teacher``."""
    (workspace.models_dir / "tiny").symlink_to(tiny_model)
    (workspace.models_dir / "teacher").symlink_to(tiny_teacher)
    return workspace


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Runs a stub of the Hub with a repo as ``me/model``; the client talks to it and keeps files apart, impatiently."""
    from contextlib import contextmanager

    from finetune.models import preview, remote, transfer
    from tests.hub_stub import hub

    monkeypatch.setattr(transfer, "PAUSES_S", (0.01, 0.02))

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_TOKEN", raising=False)

    def forget():
        remote.forget()
        preview.forget()

    @contextmanager
    def serve_it(repo):
        forget()
        with hub(me__model=repo) as running:
            monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", running.url)
            monkeypatch.setattr(
                "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
                running.url + "/{repo_id}/resolve/{revision}/{filename}",
            )
            yield running
        forget()

    return serve_it


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A stand-in of the Hub that can be written to, where this machine is logged in as ``ada``; nobody waits long."""
    from types import SimpleNamespace

    from finetune.models import push, remote
    from tests.hub_writing import writing_hub

    token = "hf_" + "Canary7F3aOfTheHub0123456789"
    monkeypatch.setattr(push, "PAUSES_S", (0.01, 0.01, 0.01))
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.delenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", raising=False)
    for name, value in {
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": False,
        "HF_HUB_CACHE": str(tmp_path / "hub"),
    }.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    waits = []
    monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=waits.append))
    remote.forget()
    with writing_hub(ada=token, ben="hf_" + "BensOwnToken0123456789ab") as running:
        running.token, running.waits = token, waits
        monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", running.url)  # read once, at its import
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", running.url)
        template = running.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield running
    remote.forget()


@pytest.fixture
def files(tiny_model):
    """The files of the tiny model, by name."""
    return {path.name: path.read_bytes() for path in tiny_model.iterdir()}


@pytest.fixture
def trained(with_tiny, tmp_path):
    """Trains a recipe of ``tests.training.test_train`` on the tiny model and gives its run."""
    from finetune.training.train import train
    from tests.training.test_train import recipe

    def run_it(**options):
        run = with_tiny.create(recipe(tmp_path, **options))
        with run.held():
            train(run, with_tiny)
        return run

    return run_it


@pytest.fixture
def command(with_tiny, monkeypatch, capsys):
    """Runs one command in the workspace of the tiny model; returns exit code, stdout and stderr."""
    from finetune.__main__ import main

    monkeypatch.setenv("FINETUNE_HOME", str(with_tiny.path))

    def run_it(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_it


@pytest.fixture
def recipe_file(tmp_path):
    """The path of a recipe that trains the tiny model."""
    from tests.training.test_train import recipe

    path = tmp_path / "recipe.yaml"
    path.write_text(recipe(tmp_path).to_yaml())
    return path


@pytest.fixture
def write_run(workspace):
    """A function that writes a run of 10 steps as a trainer would have: up to a step, and then an end."""
    from finetune.recipe import Recipe
    from finetune.runs import events

    def write(
        name="pirate voice",
        steps=10,
        state="done",
        metrics=None,
        data=None,
        model=None,
        sweep=None,
        method="sft",
        owner=None,
        **ended,
    ):
        data = data or {"path": "assets/samples/pirate-voice.jsonl"}
        given = {"name": name, "data": data, "model": model or {}, "sweep": sweep, "method": {"type": method}}
        recipe = Recipe.from_dict(given)
        run = workspace.create(recipe, owner)
        run.emit(events.Started(device="CPU, 2 cores, 23 GB", versions={"torch": "2.13.0"}))
        run.emit(events.Chose(what="precision", value="bf16", reason="this processor has bf16 instructions"))
        run.emit(events.Noted(message="3 rows were truncated.", level="warning"))
        run.emit(events.Entered(phase="training"))
        planned = {"train_rows": 80, "held_out_rows": 9, "trained_tokens": 700, "parameters": 1000, "trainable": 10}
        run.emit(events.Planned(total_steps=10, **planned))
        for step in range(steps + 1):
            if step:
                figures = {"tokens_per_s": 3900.0, "gauges": {"memory_bytes": 2**30}, "metrics": metrics or {}}
                run.emit(
                    events.Stepped(
                        step=step, epoch=0, loss=3 - step / 5, learning_rate=0, elapsed_s=step * 2, **figures
                    )
                )
            if step % 5 == 0:
                run.emit(events.Evaluated(step=step, loss=3.2 - step / 5, metrics=metrics or {}))
                answer = events.Answer(prompt="Is the sea <b>blue</b>?", base="Yes.", tuned=f"Arr, after {step}!")
                run.emit(events.Sampled(step=step, answers=(answer,)))
        if state in ("done", "stopped"):
            run.emit(events.Saved(what="model", path="model", step=steps))
        if state:
            run.emit(events.Ended(state=state, **ended))
        return run

    return write
